# The environment of the project, file by file as in requirements.lock, on a CPU or a GPU: PyTorch's wheel for Linux brings
# its own CUDA (the nvidia-* packages of the lock), so that the host needs NVIDIA's driver and container toolkit alone.
#
#   docker build -t cluscam .
#   docker run --rm -v DATA_ROOT:/data:ro -v $PWD/out:/project/out cluscam cluscam study faithfulness --profile reference
#   docker run --rm --gpus all ...                                   # with the GPUs
#
# Another base must be a Debian or Ubuntu. With CUDA's own tools, say to compile extensions:
#   docker build -t cluscam --build-arg BASE=nvidia/cuda:13.0.1-devel-ubuntu24.04 .
ARG BASE=python:3.12-slim-bookworm@sha256:782412e85d0f0984994c290652577d4018aff08145c85b262bb63dc0c7522254
FROM ${BASE}

# git: the commit in the provenance; libGL and GLib: OpenCV, which grad-cam needs
RUN apt-get update \
 && apt-get install -y --no-install-recommends make git ca-certificates libgl1 libglib2.0-0 \
      $(command -v python3 >/dev/null || echo python3 python3-venv) \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /project
# the packages change more rarely than the code: a layer of their own
COPY Makefile pyproject.toml setup.py requirements.lock README.md LICENSE LICENSE-TEXT ./
COPY cluscam_lite/__init__.py cluscam_lite/__init__.py
COPY analysis/__init__.py analysis/__init__.py
COPY scripts/install.py scripts/install.py
ENV PIP_NO_CACHE_DIR=1
RUN make setup LOCKED=1

COPY . .
ENV PATH=/project/.venv/bin:${PATH} \
    CLUSCAM_DATA=/data \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
# the data root; mount one over it
RUN mkdir -p /data
CMD ["cluscam", "--help"]
