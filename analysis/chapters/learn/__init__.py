"""The chapters that teach: one feature map, the saliency map, the family, the method, its cost, the playground."""
