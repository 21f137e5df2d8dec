"""Checkpoints from the hubs of torchvision and timm: the file, downloaded once and kept in the hub's own cache."""

from pathlib import Path
from urllib.error import URLError

from ..dataroot import VARIABLE
from ..errors import CluscamError, reason_of
from ..files import sha256
from ..packages import from_extra, hugging_face_reachable, reachable
from .spec import ModelSpec

TIMM_FILE = "model.safetensors"


def hub_file(spec: ModelSpec) -> Path:
    """The checkpoint of `spec` from its library's hub, from the cache if it is there.

    Raises CluscamError, within seconds and saying which file to put where, if there is no hub copy or no network.
    """
    if spec.weights_id is None:
        raise CluscamError(
            f"{spec.name} has no weights here and no checkpoint on a public hub; {_put(spec)} or use weights='random'"
        )
    return _torchvision_file(spec) if spec.library == "torchvision" else _timm_file(spec)


def cached_file(spec: ModelSpec) -> Path | None:
    """The checkpoint of `spec`, which has a `weights_id`, from its hub's cache; None if it is not there."""
    if spec.library == "torchvision":
        path = _torchvision_place(spec)[1]
        return path if path.is_file() else None
    import huggingface_hub

    cached = huggingface_hub.try_to_load_from_cache(f"timm/{spec.weights_id}", TIMM_FILE)
    return Path(cached) if isinstance(cached, str) else None


def hub_url(spec: ModelSpec) -> str:
    """The address of the checkpoint of `spec`, which has a `weights_id`."""
    if spec.library == "torchvision":
        return _torchvision_place(spec)[0]
    import huggingface_hub

    return huggingface_hub.hf_hub_url(f"timm/{spec.weights_id}", TIMM_FILE)


def hub_reachable(spec: ModelSpec) -> bool:
    """Whether the hub of `spec`, which has a `weights_id`, answers within seconds."""
    return reachable(hub_url(spec)) if spec.library == "torchvision" else hugging_face_reachable()


def _torchvision_place(spec: ModelSpec) -> tuple[str, Path]:
    """The checkpoint's address, and its file in torch's cache."""
    import torch

    with from_extra("models"):
        import torchvision

    url: str = torchvision.models.get_weight(spec.weights_id).url
    return url, Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[1]


def _torchvision_file(spec: ModelSpec) -> Path:
    import torch

    url, path = _torchvision_place(spec)
    # the file name ends with the first characters of its SHA-256, which the download and the cache are checked against
    prefix = path.stem.rpartition("-")[2]
    if path.is_file():
        if not sha256(path).startswith(prefix):
            raise CluscamError(
                f"{path} is not the file that torchvision published (its SHA-256 does not begin with {prefix}); "
                "delete it, and it is downloaded again"
            )
        return path
    if not hub_reachable(spec):
        raise _no_network(spec, url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), hash_prefix=prefix)
    except (URLError, OSError, RuntimeError) as error:
        raise _failed(spec, url, error) from error
    return path


def _timm_file(spec: ModelSpec) -> Path:
    with from_extra("models"):
        import huggingface_hub
        from huggingface_hub.errors import HfHubHTTPError

    if (cached := cached_file(spec)) is not None:
        return cached
    url = hub_url(spec)
    if not hub_reachable(spec):
        raise _no_network(spec, url)
    try:
        return Path(huggingface_hub.hf_hub_download(f"timm/{spec.weights_id}", TIMM_FILE))
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
