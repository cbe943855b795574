# syntax=docker/dockerfile:1
# Hearth's image. Its models are small and run well on a CPU, so that is what is built:
#
#     docker build -t hearth .
#
# For an NVIDIA GPU name the index of torch's CUDA builds; the image then has some gigabytes more, and the host needs
# the driver and the NVIDIA container toolkit (`docker run --gpus all`, or `deploy.resources` in compose):
#
#     docker build -t hearth:cuda --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 .
#
# Which CUDA builds there are for a version of torch stands at pytorch.org, "Get started".

ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/hearth
WORKDIR /src
# What changes seldom comes first. torch and what it brings: from PyTorch's own index alone, whose builds no lock for all
# of them could name, by the pins of pyproject.toml.
COPY pyproject.toml ./
RUN torch="$(python -c 'import tomllib; print(*(d for d in tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"] if d.startswith(("torch==", "torchvision=="))))')" \
    && /opt/hearth/bin/pip install --index-url "${TORCH_INDEX}" ${torch}
# All else as it was tested, file by file: what has another hash is not taken, nor what builds the few that are sources.
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes -r requirements-build.lock \
    && /opt/build/bin/pip wheel --no-deps --require-hashes --no-build-isolation --wheel-dir /wheels -r requirements.lock \
    && /opt/hearth/bin/pip install --no-deps --no-index /wheels/*.whl \
    && rm -r /wheels
COPY README.md LICENSE ./
COPY bot ./bot
COPY plugins ./plugins
COPY schedules ./schedules
COPY shared ./shared
COPY tests/kit ./tests/kit
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
    && /opt/hearth/bin/pip install --no-deps /wheel/*.whl \
    && /opt/hearth/bin/pip check

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="Hearth" \
      org.opencontainers.image.description="A Discord chat-ops bot whose capabilities are plugins and whose models stay warm" \
      org.opencontainers.image.licenses="MIT"
# OpenMP, which scikit-learn and XGBoost load.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin hearth \
    && install -d -o hearth -g hearth /data
COPY --from=build /opt/hearth /opt/hearth
# The root file system may be read-only: what is written goes to /data, and to /tmp, which is then a tmpfs.
ENV PATH=/opt/hearth/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_CACHE_HOME=/tmp/cache \
    MPLCONFIGDIR=/tmp/matplotlib \
    HEARTH_DATA_DIR=/data \
    HEARTH_LOG_FORMAT=json
USER hearth
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('HEARTH_HTTP_PORT', '8080') + '/health/live', timeout=4)"]
ENTRYPOINT ["hearth"]
CMD ["run"]
