# Colmeia as a container image: docs/containers.md. `make image` builds it with buildah; `docker build .` does too.
#
# Both stages stand on Debian 12. BASE and RUST name other images of it, for machines that reach no registry of images, and
# TOOLCHAIN where cargo lies in RUST. PROGRAMS is a folder of the build's context with programs that are built already;
# without it they are built here.
# No VOLUME: platforms refuse images that have one. A service whose state lies in no volume says so.
ARG BASE=debian:12-slim
ARG RUST=rust:1-slim-bookworm

FROM ${RUST} AS build
ARG PROGRAMS=
ARG TOOLCHAIN=/usr/local/cargo/bin
ENV PATH=${TOOLCHAIN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# A C compiler for the crates that are C inside, npm for wa-js alone.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates make npm \
    && if [ -z "${PROGRAMS}" ]; then \
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends gcc g++ libc6-dev; \
    fi
WORKDIR /src
COPY vendor-js/package.json vendor-js/package-lock.json vendor-js/
RUN cd vendor-js && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
COPY . .
RUN if [ -z "${PROGRAMS}" ]; then \
        cargo build --locked --release -p colmeia-supervisor -p colmeia-worker -p colmeiactl; \
    fi \
    && make install DESTDIR=/made BINARIES="${PROGRAMS:-target/release}"

FROM ${BASE}
# Converts voice and video, and is a quarter of the image; `--build-arg FFMPEG=` leaves it out.
ARG FFMPEG=ffmpeg
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        ca-certificates chromium-headless-shell tzdata ${FFMPEG} \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log /var/log/alternatives.log \
    && groupadd --gid 10001 colmeia \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/colmeia --no-create-home --shell /usr/sbin/nologin colmeia \
    && install -d -m 700 -o 10001 -g 10001 /var/lib/colmeia
COPY --from=build /made/usr/bin/ /usr/bin/
COPY --from=build /made/usr/lib/colmeia/wa-js/ /usr/lib/colmeia/wa-js/
COPY --from=build /made/usr/share/doc/colmeia/ /usr/share/doc/colmeia/
COPY contrib/container/colmeia.toml /etc/colmeia/colmeia.toml
ENV LANG=C.UTF-8
# By number, so that a cluster can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/colmeia
EXPOSE 5001
STOPSIGNAL SIGTERM
# The supervisor is the first process and reaps what its workers leave behind; no other init is needed.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["colmeiactl", "health"]
ENTRYPOINT ["colmeia-supervisor"]
