// The process around the tensors: version, threads, seeds, generators, devices, memory.
#include "compat.h"
#include "engine.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <mutex>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace plurad {

namespace {
std::vector<at::Generator>& generators() {
  static thread_local auto* list = new std::vector<at::Generator>;
  return *list;
}

// glibc gives large blocks back to the kernel on every free and faults them in again on every allocation. Keeping
// them is worth a tenth to a fifth of a training step. One arena, since the others are limited to 64 MB heaps and
// would send every large block of a worker thread through the fallback path.
void tuneAllocator() {
#if defined(__GLIBC__)
  static std::once_flag once;
  std::call_once(once, [] {
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, 0x7fffffff);
    mallopt(M_TOP_PAD, 256 << 20);
  });
#endif
}

napi_value info(Arguments& a) {
  napi_value object;
  check(a.env, napi_create_object(a.env, &object));
  const auto set = [&](const char* name, napi_value value) {
    check(a.env, napi_set_named_property(a.env, object, name, value));
  };
  set("version", fromString(a.env, TORCH_VERSION));
  set("threads", fromInt32(a.env, at::get_num_threads()));
  set("cuda", fromBool(a.env, at::globalContext().hasCUDA()));
  set("cudaDevices", fromInt32(a.env, compat::deviceCount(c10::DeviceType::CUDA)));
  set("parallel", fromString(a.env, at::get_parallel_info()));
  return object;
}

napi_value setThreads(Arguments& a) {
  const int32_t count = toInt32(a.env, a[0]);
  if (count < 1) throw ArgumentError("expected one thread or more, got " + std::to_string(count));
  at::set_num_threads(count);
  return nothing(a.env);
}

napi_value threads(Arguments& a) { return fromInt32(a.env, at::get_num_threads()); }

// manualSeed(seed): the default generators of every device
napi_value manualSeed(Arguments& a) {
  at::manual_seed(static_cast<uint64_t>(toDouble(a.env, a[0])));
  return nothing(a.env);
}

// createGenerator(seed) -> handle
napi_value createGenerator(Arguments& a) {
  at::Generator made = at::detail::createCPUGenerator(static_cast<uint64_t>(toDouble(a.env, a[0])));
  std::vector<at::Generator>& list = generators();
  size_t index = 0;
  while (index < list.size() && list[index].defined()) ++index;
  if (index == list.size()) list.emplace_back();
  list[index] = std::move(made);
  return fromInt32(a.env, static_cast<int32_t>(index + 1));
}

// releaseGenerator(handle)
napi_value releaseGenerator(Arguments& a) {
  generatorAt(toInt32(a.env, a[0])) = at::Generator();
  return nothing(a.env);
}

at::Generator generatorOrDefault(Arguments& a, size_t i) {
  return a.has(i) ? generatorAt(toInt32(a.env, a[i])) : at::detail::getDefaultCPUGenerator();
}

// generatorState(generator | undefined) -> handle of a uint8 tensor
napi_value generatorState(Arguments& a) {
  at::Generator generator = generatorOrDefault(a, 0);
  std::lock_guard<std::mutex> lock(generator.mutex());
  return fromInt32(a.env, Slots::local().add(generator.get_state()));
}

// setGeneratorState(generator | undefined, handle)
napi_value setGeneratorState(Arguments& a) {
  at::Generator generator = generatorOrDefault(a, 0);
  const at::Tensor& state = Slots::local().get(toInt32(a.env, a[1]));
  std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_state(state);
  return nothing(a.env);
}

napi_value setDeterministic(Arguments& a) {
  at::globalContext().setDeterministicAlgorithms(toBool(a.env, a[0]), /*warn_only=*/true);
  return nothing(a.env);
}

// adjustExternalMemory(bytes): tells V8 how much its tensors hold
napi_value adjustExternalMemory(Arguments& a) {
  int64_t total = 0;
  check(a.env, napi_adjust_external_memory(a.env, static_cast<int64_t>(toDouble(a.env, a[0])), &total));
  return fromDouble(a.env, static_cast<double>(total));
}

// releaseMemory(): gives free pages back to the system
napi_value releaseMemory(Arguments& a) {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
  return nothing(a.env);
}

}  // namespace

at::Generator& generatorAt(int32_t handle) {
  if (handle < 1 || static_cast<size_t>(handle) > generators().size() || !generators()[handle - 1].defined()) {
    throw ArgumentError("expected a Generator");
  }
  return generators()[handle - 1];
}

void registerRuntime(napi_env env, napi_value exports) {
  define<info>(env, exports, "info");
  define<setThreads>(env, exports, "setThreads");
  define<threads>(env, exports, "threads");
  define<manualSeed>(env, exports, "manualSeed");
  define<createGenerator>(env, exports, "createGenerator");
  define<releaseGenerator>(env, exports, "releaseGenerator");
  define<generatorState>(env, exports, "generatorState");
  define<setGeneratorState>(env, exports, "setGeneratorState");
  define<setDeterministic>(env, exports, "setDeterministic");
  define<adjustExternalMemory>(env, exports, "adjustExternalMemory");
  define<releaseMemory>(env, exports, "releaseMemory");
}

namespace {

void cleanUp(void*) {
  Slots::local().clear();
  generators().clear();
}

napi_value initialise(napi_env env, napi_value exports) {
  try {
    tuneAllocator();
    registerOperators(env, exports);
    registerTensors(env, exports);
    registerAutograd(env, exports);
    registerRuntime(env, exports);
    check(env, napi_add_env_cleanup_hook(env, cleanUp, nullptr));
  } catch (...) {
    throwAsJavaScript(env);
  }
  return exports;
}

}  // namespace
}  // namespace plurad

NAPI_MODULE(plurad_torch, plurad::initialise)
