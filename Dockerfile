# All images of Gatehouse: docker build --target service --build-arg PROGRAM=accounts -t gatehouse/accounts .
# "make images" builds them all, with the version of the checkout.

ARG GO_VERSION=1.26.8
FROM --platform=$BUILDPLATFORM golang:${GO_VERSION}-alpine AS build
WORKDIR /src
COPY . .
ARG VERSION=dev
ARG TARGETOS=linux
ARG TARGETARCH=amd64
# Time zones and nothing else come with the programs: an image has no files but those below. grpcnotrace
# leaves out pages of gRPC, which libraries link and nobody sees, and with them much that only they keep alive.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -tags timetzdata,grpcnotrace \
    -ldflags "-s -w -X github.com/gatehouse-id/gatehouse/pkg/app.version=$VERSION" -o /out/ ./services/*/cmd/*
# For the user that the programs run as: a folder to keep things in, and one for what is passing.
RUN mkdir -p /root-of-image/data /root-of-image/tmp && chmod 700 /root-of-image/data

FROM scratch AS base
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build --chown=65532:65532 /root-of-image /
USER 65532:65532
EXPOSE 8080 9090
ARG VERSION=dev
LABEL org.opencontainers.image.source=https://github.com/gatehouse-id/gatehouse \
      org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.version=$VERSION

# A service: PROGRAM says which.
FROM base AS service
ARG PROGRAM
COPY --from=build /out/$PROGRAM /service
HEALTHCHECK --interval=5s --timeout=5s --start-period=90s --retries=3 CMD ["/service", "healthcheck"]
ENTRYPOINT ["/service"]

# All of them in one process, and the operator's command line.
FROM base AS gatehouse
COPY --from=build /out/gatehouse /gatehouse
ENV GATEHOUSE_LISTEN=:8080 GATEHOUSE_DEBUG_LISTEN=:9090 GATEHOUSE_DATA_DIR=/data
VOLUME /data
HEALTHCHECK --interval=5s --timeout=5s --start-period=90s --retries=3 CMD ["/gatehouse", "healthcheck"]
ENTRYPOINT ["/gatehouse"]
CMD ["serve"]
