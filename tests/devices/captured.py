"""What programs really said, and what it means."""

INSUFFICIENT = "CUDA failed with error CUDA driver version is insufficient for CUDA runtime version"
CAPTURED = {
    "Failed to initialize NVML: Driver/library version mismatch\n"
    "NVML library version: 550.144": "driver-not-reloaded",
    "NVML: RM has detected an NVML/RM version mismatch": "driver-not-reloaded",
    "Failed to initialize NVML: Unknown Error": "gpu-lost-by-container",
    "RuntimeError: CUDA failed with error no CUDA-capable device is detected": "gpu-hidden",
    "libcuda.so.1: cannot open shared object file: No such file or directory": "no-libcuda",
    "The NVIDIA driver on your system is too old (found version 12040). Please update your GPU "
    "driver by downloading and installing a new version": "driver-behind-library",
    "CUDA failed with error the provided PTX was compiled with an unsupported toolchain.": (
        "ptx-driver"
    ),
    "CUDA_ERROR_UNSUPPORTED_PTX_VERSION": "ptx-driver",
    "CUDA failed with error no kernel image is available for execution on the device": (
        "wheel-without-card"
    ),
    "torch.AcceleratorError: CUDA error: no kernel image is available for execution on the device\n"
    "CUDA kernel errors might be asynchronously reported": "wheel-without-card",
    "This CTranslate2 package was not compiled with CUDA support": "wheel-without-cuda",
    "AssertionError: Torch not compiled with CUDA enabled": "wheel-without-cuda",
    "Library libcublas.so.12 is not found or cannot be loaded": "no-libcublas",
    "ImportError: libcublas.so.12: cannot open shared object file: No such file": "no-libcublas",
    "Could not load library libcudnn_ops_infer.so.8. Error: libcudnn_ops_infer.so.8: cannot open "
    "shared object file: No such file or directory": "no-cudnn-8",
    "Unable to load any of {libcudnn_ops.so.9.1.0, libcudnn_ops.so.9.1, libcudnn_ops.so.9, "
    "libcudnn_ops.so}\nInvalid handle. Cannot load symbol cudnnCreateTensorDescriptor": (
        "no-cudnn-9"
    ),
    "cuBLAS failed with status CUBLAS_STATUS_NOT_SUPPORTED": "int8-not-supported",
    "Requested float16 compute type, but the target device or backend do not support efficient "
    "float16 computation.": "no-usable-float16",
    "Requested int8_float16 compute type, but the target device or backend do not support "
    "efficient int8_float16 computation.": "no-usable-float16",
    "whisper-base on cuda cannot be trusted: the canary came back as marks without a word.": (
        "no-usable-float16"
    ),
    "whisper-base on cuda cannot be trusted: the canary came back with no number for a "
    "probability.": "no-usable-float16",
    "Requested bfloat16 compute type, but the target device or backend do not support efficient "
    "bfloat16 computation.": "type-not-supported",
    "CUDA failed with error out of memory": "out-of-gpu-memory",
    "CUDA error: out of memory": "out-of-gpu-memory",
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total "
    "capacity of 5.80 GiB": "out-of-gpu-memory",
    "cuBLAS failed with status CUBLAS_STATUS_ALLOC_FAILED": "out-of-gpu-memory",
    "Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, you must "
    "use the 'spawn' start method": "cuda-before-fork",
    "Unsupported model binary version. This executable supports models with binary version v6 or "
    "below, but the model has binary version v67324752.": "model-file-broken",
    "Unexpected bus error encountered in worker. This might be caused by insufficient shared "
    "memory (shm).": "bus-error",
    "The process was ended by signal 7": "bus-error",
    "RuntimeError: can't start new thread": "too-many-threads",
    "OSError: [Errno 24] Too many open files": "too-many-files",
    "WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL) Job: 3.')": "killed",
    '"State": {"Status": "exited", "OOMKilled": true}': "killed",
    "exited with code 137": "killed",
    "it was killed, as by the system when memory runs out": "killed",
    "HTTPSConnectionPool(host='huggingface.co', port=443): Max retries exceeded with url": (
        "model-not-staged"
    ),
    'text: "!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"': "no-usable-float16",
    'docker: Error response from daemon: could not select device driver "" with capabilities: '
    "[[gpu]].": "no-container-toolkit",
    "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, please update "
    "your driver to a newer version, or use an earlier cuda container: unknown": (
        "image-wants-newer-driver"
    ),
    'RuntimeError: Form data requires "python-multipart" to be installed.': "no-python-multipart",
    "exec /usr/local/bin/malgwi: exec format error": "wrong-architecture",
    "! The requested image's platform (linux/amd64) does not match the detected host platform "
    "(linux/arm64/v8) and no specific platform was requested": "emulated",
    "qemu: uncaught target signal 11 (Segmentation fault) - core dumped": "emulated",
    "rosetta error: failed to open elf at /lib64/ld-linux-x86-64.so.2": "emulated",
    "unsupported external secret db_password": "external-secret",
    "httpx.ConnectError: [Errno -2] Name or service not known: http://host.docker.internal:8081": (
        "host-engine-unreachable"
    ),
    "Failed to connect to host.docker.internal port 8081 after 1 ms: Connection refused": (
        "host-engine-unreachable"
    ),
    'DPI-1047: Cannot locate a 64-bit Oracle Client library: "libclntsh.so: cannot open shared '
    'object file: No such file or directory"': "oracle-client",
    "ORA-12514: TNS:listener does not currently know of service requested in connect descriptor": (
        "oracle-refused"
    ),
    "permission denied while trying to connect to the Docker daemon socket at "
    "unix:///var/run/docker.sock": "docker-not-allowed",
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon "
    "running?": "docker-not-running",
    "Bind for 0.0.0.0:8000 failed: port is already allocated": "port-taken",
    "[Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already in "
    "use": "port-taken",
    "OSError: [Errno 28] No space left on device": "disk-full",
    "redis.exceptions.AuthenticationError: NOAUTH Authentication required.": "redis-password",
    "OOM command not allowed when used memory > 'maxmemory'.": "redis-full",
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to "
    "disk.": "redis-full",
}
