"""The networks on the Alzheimer slices: training them, their cards, their K and r, and finding them again."""
