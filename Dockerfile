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
# What changes seldom comes first: torch alone, by the pin of pyproject.toml. A build of TORCH_INDEX has a local version
# (2.13.0+cpu), which pip prefers to the same version without one.
COPY pyproject.toml ./
RUN torch="$(python -c 'import tomllib; print(next(d for d in tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"] if d.startswith("torch==")))')" \
    && /opt/hearth/bin/pip install --extra-index-url "${TORCH_INDEX}" "${torch}"
COPY README.md LICENSE ./
COPY bot ./bot
COPY plugins ./plugins
COPY schedules ./schedules
COPY shared ./shared
COPY tests/kit ./tests/kit
RUN python -m pip wheel --no-deps --wheel-dir /wheel . \
    && /opt/hearth/bin/pip install /wheel/*.whl

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
