# A container with ganache of this checkout, and a page that can be opened from the host: docs/container.md.
ARG PYTHON=3.13-slim

FROM python:${PYTHON} AS build
# hadolint ignore=DL3008  # Debian keeps the newest version only
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ git \
    && rm -rf /var/lib/apt/lists/*
COPY . /source
RUN git config --global --add safe.directory /source \
    && pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /source

FROM python:${PYTHON}
# PyTorch's own index has the CPU build; https://download.pytorch.org/whl/cu128 has one for NVIDIA GPUs.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN pip install --no-cache-dir --root-user-action=ignore "torch>=2.6" --index-url "${TORCH_INDEX}"
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --root-user-action=ignore /wheels/*.whl

# Named volumes get the owner of these folders; folders of the host need --user "$(id -u):$(id -g)".
RUN useradd --uid 1000 --create-home ganache \
    && mkdir -p /work/runs /cache \
    && chown -R ganache:ganache /work /cache
USER 1000
WORKDIR /work
ENV GANACHE_CACHE=/cache
VOLUME ["/work/runs", "/cache"]

# The page of `explore` and `watch`. It must listen on all addresses of the container, as published ports arrive at
# another one than 127.0.0.1; it opens only with the token that the command prints.
EXPOSE 8000
# A file of the page, which needs no token. Other commands serve no page, so they are healthy while they run.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["sh", "-c", "\
    ! grep -qzxE 'explore|watch' /proc/1/cmdline \
    || exec python -c 'import urllib.request as page; page.urlopen(\"http://127.0.0.1:8000/page/style.css\", timeout=5)'"]
ENTRYPOINT ["ganache"]
CMD ["--help"]
