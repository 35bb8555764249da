// The addon's shared ground: tensors as integer handles, scopes that free them, and the guard that turns
// C++ exceptions into JavaScript ones.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <node_api.h>

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace plurad {

// A handle is a small integer: the low bits are the slot, the high bits how often that slot was used before.
// It fits V8's small-integer range, so that passing one allocates nothing. A stale handle fails the generation
// check instead of reaching another tensor (up to the wrap of the generation, so it is a net, not a proof).
constexpr int kSlotBits = 20;
constexpr int32_t kSlotMask = (1 << kSlotBits) - 1;
constexpr int32_t kMaxGeneration = (1 << (30 - kSlotBits)) - 1;
// A freed slot waits behind this many others until it is used again, so that the generation wraps after millions of
// tensors instead of after a thousand.
constexpr size_t kRestingSlots = 1 << 13;

// All state is per thread: a JavaScript worker has an engine of its own, and nothing is locked.
class Slots {
 public:
  static Slots& local();

  int32_t add(at::Tensor tensor);
  const at::Tensor& get(int32_t handle) const;
  void release(int32_t handle);
  bool alive(int32_t handle) const;

  // Everything added between begin and end is released at the end, but for the handles kept.
  // end returns how many scopes are still open, so that the caller knows who owns the survivors.
  int32_t beginScope();
  int32_t endScope(const std::vector<int32_t>& kept);
  int32_t depth() const { return static_cast<int32_t>(marks_.size()); }
  // Takes a handle out of every open scope: it lives until released.
  void detachFromScopes(int32_t handle);

  int32_t live() const { return live_; }
  void clear();

 private:
  struct Slot {
    at::Tensor tensor;
    int32_t generation = 1;
    bool used = false;
    bool scoped = false;
    bool keep = false;
  };
  std::vector<Slot> slots_;
  std::deque<int32_t> free_;
  std::vector<int32_t> scoped_;
  std::vector<size_t> marks_;
  int32_t live_ = 0;
};

// Generators have handles of their own: there are few, and they are not tensors.
at::Generator& generatorAt(int32_t handle);

// --- JavaScript values ------------------------------------------------------------------------------------

// A wrong argument: becomes a TypeError.
struct ArgumentError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// A JavaScript exception is already pending.
struct PendingException {};

void check(napi_env env, napi_status status);
std::string describe(napi_env env, napi_value value);

napi_valuetype typeOf(napi_env env, napi_value value);
bool isNothing(napi_env env, napi_value value);
int32_t toInt32(napi_env env, napi_value value);
double toDouble(napi_env env, napi_value value);
bool toBool(napi_env env, napi_value value);
std::string toString(napi_env env, napi_value value);
std::vector<int64_t> toIntList(napi_env env, napi_value value);
std::vector<int32_t> toHandles(napi_env env, napi_value value);

napi_value fromInt32(napi_env env, int32_t value);
napi_value fromDouble(napi_env env, double value);
napi_value fromBool(napi_env env, bool value);
napi_value fromString(napi_env env, const std::string& value);
napi_value nothing(napi_env env);

// Whether a JavaScript number is an integer that it holds exactly; converting any other to int64 is undefined.
bool isSafeInteger(double number);

at::ScalarType dtypeFromName(const std::string& name);
const char* dtypeName(at::ScalarType dtype);

void throwAsJavaScript(napi_env env);

// The arguments of one call, without allocation.
struct Arguments {
  static constexpr size_t kMax = 32;
  napi_env env;
  size_t count = kMax;
  napi_value values[kMax];
  Arguments(napi_env env, napi_callback_info info) : env(env) {
    check(env, napi_get_cb_info(env, info, &count, values, nullptr, nullptr));
    if (count > kMax) count = kMax;
  }
  napi_value operator[](size_t i) const { return i < count ? values[i] : nothing(env); }
  bool has(size_t i) const { return i < count && !isNothing(env, values[i]); }
};

template <napi_value (*function)(Arguments&)>
napi_value guarded(napi_env env, napi_callback_info info) {
  try {
    Arguments arguments(env, info);
    return function(arguments);
  } catch (...) {
    throwAsJavaScript(env);
    return nullptr;
  }
}

template <napi_value (*function)(Arguments&)>
void define(napi_env env, napi_value exports, const char* name) {
  napi_value value;
  check(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, guarded<function>, nullptr, &value));
  check(env, napi_set_named_property(env, exports, name, value));
}

// One registration function a file.
void registerOperators(napi_env env, napi_value exports);
void registerTensors(napi_env env, napi_value exports);
void registerAutograd(napi_env env, napi_value exports);
void registerRuntime(napi_env env, napi_value exports);

}  // namespace plurad
