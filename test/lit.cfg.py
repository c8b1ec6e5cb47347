import os

import lit.formats

config.name = "dsa"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["data", "reference"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.dsa_build_dir, "test")
config.environment["PATH"] = os.pathsep.join(
    [
        os.path.join(config.dsa_build_dir, "bin"),
        config.llvm_tools_dir,
        os.environ["PATH"],
    ]
)
config.substitutions.append(("%python", config.dsa_python))
config.substitutions.append(("%dsa_bin", os.path.join(config.dsa_build_dir, "bin")))
config.substitutions.append(("%source_dir", config.dsa_source_dir))
config.substitutions.append(("%dsa_lib", os.path.join(config.dsa_build_dir, "lib")))
if config.dsa_sanitizers:
    config.available_features.add("sanitizers")
