# From the root of the checkout. For CPUs and for GPUs:  docker buildx bake -f deploy/docker-bake.hcl
# That for CPUs, for both kinds of processors:  docker buildx bake -f deploy/docker-bake.hcl cpu-everywhere
# That with torch, which few need:  docker buildx bake -f deploy/docker-bake.hcl torch

variable "TAG" { default = "0.1.0" }
variable "REVISION" { default = "unknown" }
variable "PYTHON" { default = "python:3.11-slim-bookworm" }

group "default" { targets = ["cpu", "cuda"] }

target "image" {
  context    = "."
  dockerfile = "deploy/image/Dockerfile"
  args       = { PYTHON = PYTHON, REVISION = REVISION }
}

target "cpu" {
  inherits = ["image"]
  target   = "cpu"
  tags     = ["malgwi:cpu-${TAG}"]
}

target "cuda" {
  inherits  = ["image"]
  target    = "cuda"
  tags      = ["malgwi:cuda-${TAG}"]
  platforms = ["linux/amd64"]
}

target "cpu-everywhere" { # the builder has to be able to keep images of several platforms
  inherits  = ["cpu"]
  platforms = ["linux/amd64", "linux/arm64"]
}

target "torch" {
  inherits  = ["image"]
  target    = "torch"
  tags      = ["malgwi:torch-${TAG}"]
  platforms = ["linux/amd64"]
}
