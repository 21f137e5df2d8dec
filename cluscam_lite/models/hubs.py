"""Checkpoints from the hubs of torchvision and timm: the file, downloaded once and kept in the hub's own cache."""

from pathlib import Path
from urllib.error import URLError

from ..dataroot import VARIABLE
from ..errors import CluscamError, reason_of
from ..network import reachable
from ..packages import from_extra
from .spec import ModelSpec


def hub_file(spec: ModelSpec) -> Path:
    """The checkpoint of `spec` from its library's hub, from the cache if it is there.

    Raises CluscamError, within seconds and saying which file to put where, if there is no hub copy or no network.
    """
    if spec.weights_id is None:
        raise CluscamError(
            f"{spec.name} has no weights here and no checkpoint on a public hub; {_put(spec)} or use weights='random'"
        )
    return _torchvision_file(spec) if spec.library == "torchvision" else _timm_file(spec)


def _torchvision_file(spec: ModelSpec) -> Path:
    import torch

    with from_extra("models"):
        import torchvision

    url: str = torchvision.models.get_weight(spec.weights_id).url
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[1]
    if path.is_file():
        return path
    if not reachable(url):
        raise _no_network(spec, url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # the file name ends with the first characters of its SHA-256, and the download is checked against them
        torch.hub.download_url_to_file(url, str(path), hash_prefix=path.stem.rpartition("-")[2])
    except (URLError, OSError, RuntimeError) as error:
        raise _failed(spec, url, error) from error
    return path


def _timm_file(spec: ModelSpec) -> Path:
    with from_extra("models"):
        import huggingface_hub
        from huggingface_hub.errors import HfHubHTTPError

    repository, name = f"timm/{spec.weights_id}", "model.safetensors"
    url = huggingface_hub.hf_hub_url(repository, name)
    cached = huggingface_hub.try_to_load_from_cache(repository, name)
    if isinstance(cached, str):
        return Path(cached)
    if huggingface_hub.constants.HF_HUB_OFFLINE or not reachable(huggingface_hub.constants.ENDPOINT):
        raise _no_network(spec, url)
    try:
        return Path(huggingface_hub.hf_hub_download(repository, name))
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise _failed(spec, url, error) from error


def _put(spec: ModelSpec) -> str:
    return f"put {spec.name}.safetensors into the folder weights/ of a data root (name the root with {VARIABLE}),"


def _no_network(spec: ModelSpec, url: str) -> CluscamError:
    name = spec.name + Path(url).suffix
    return CluscamError(
        f"there are no weights for {spec.name}: the hub of {spec.library} cannot be reached and no data root has "
        f"them; fetch {url} where there is a network and put it as {name} into the folder weights/ of a data root "
        f"(name the root with {VARIABLE}), or use weights='random'"
    )


def _failed(spec: ModelSpec, url: str, error: Exception) -> CluscamError:
    return CluscamError(
        f"the weights of {spec.name} could not be downloaded from {url} ({reason_of(error)}); {_put(spec)} or try again"
    )
