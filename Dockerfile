# The release program alone: no shell, no packages, not root. Needs BuildKit.
#
#   docker build -t wharf .
#   docker run --rm -v wharf:/var/lib/wharf wharf keys create --account me --name first     # before the gateway runs: it has the database for itself
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges -v wharf:/var/lib/wharf -p 127.0.0.1:8080:8080 wharf
#
# The key that seals all links is made in the volume at the first start, unless WHARF_MASTER_KEY_FILE names one: keep a copy elsewhere.

ARG RUST=1.95
FROM rust:${RUST}-slim-bookworm AS manifests
WORKDIR /all
COPY . .
RUN deploy/docker/stubs /all /stubs

FROM rust:${RUST}-slim-bookworm AS build
WORKDIR /src
# Every dependency, in a layer that stands until a manifest changes.
COPY --from=manifests /stubs ./
RUN cargo build --profile dist --locked --package wharf && deploy/docker/settle target/dist
COPY . .
# The stubs are younger than the sources.
RUN find crates -name '*.rs' -exec touch {} + \
    && cargo build --profile dist --locked --package wharf \
    && deploy/docker/root target/dist/wharf /image

FROM scratch
LABEL org.opencontainers.image.title="Wharf" \
      org.opencontainers.image.description="A self-hosted WhatsApp API gateway" \
      org.opencontainers.image.licenses="(MIT OR Apache-2.0) AND AGPL-3.0-only"
COPY --from=build /image/ /
USER 65532:65532
ENV WHARF_LISTEN=0.0.0.0:8080 \
    WHARF_DATA_DIR=/var/lib/wharf
VOLUME /var/lib/wharf
EXPOSE 8080
STOPSIGNAL SIGTERM
# Whether its folder, key, database and clock are as they must be. A process that ended ends its container; one that hangs is seen by whoever
# asks /healthz.
HEALTHCHECK --interval=15s --timeout=6s --start-period=60s --retries=3 CMD ["/usr/bin/wharf", "doctor", "--offline"]
ENTRYPOINT ["/usr/bin/wharf"]
CMD ["serve"]
