# The operator's image: Node, the libraries it loads, and one file of ours. No shell, no package manager, not root.
#
# Where neither the npm registry nor an image registry can be reached, `make image` replaces two names: the stage
# "bundle" by the dist/ that `make build` made, and "node:24-slim" by an image of the Node in node_modules.

FROM node:24-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund --loglevel=error
COPY tsconfig.json ./
COPY scripts ./scripts
COPY src ./src
RUN ["node", "scripts/build.ts"]

FROM scratch AS bundle
COPY --from=build /src/dist/ /dist/

FROM node:24-slim AS runtime
COPY scripts/collect-runtime.mjs /
RUN ["node", "/collect-runtime.mjs", "/image"]

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="nixfleet-operator" \
      org.opencontainers.image.description="The NixFleet control plane as a Kubernetes operator" \
      org.opencontainers.image.source="https://github.com/nixfleet/nixfleet-operator" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=runtime /image/ /
COPY --from=bundle /dist/ /app/
ENV PATH=/usr/bin NODE_ENV=production
USER 65532:65532
WORKDIR /app
EXPOSE 8443 8081
# Node as PID 1: it has handlers for SIGTERM and starts no other process. No --enable-source-maps: it costs 80 MB, and the
# bundle keeps names and lines; the map lies beside it for whoever wants to look them up.
# The sizes of the heap: docs/adr/0030.
ENTRYPOINT ["/usr/bin/node", "--max-old-space-size-percentage=70", "--max-semi-space-size=4", "--disable-sigusr1", "/app/main.mjs"]
CMD ["run"]
