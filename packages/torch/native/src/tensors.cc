// Tensors in and out of JavaScript, what they are, and the scopes that free them.
#include "engine.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <cstring>

namespace plurad {
namespace {

const at::Tensor& tensorOf(Arguments& a, size_t i) { return Slots::local().get(toInt32(a.env, a[i])); }

struct Bytes {
  void* data = nullptr;
  size_t length = 0;
};

Bytes bytesOf(napi_env env, napi_value value) {
  bool typed = false;
  check(env, napi_is_typedarray(env, value, &typed));
  if (!typed) throw ArgumentError("expected a typed array, got " + describe(env, value));
  napi_typedarray_type type;
  size_t length = 0;
  Bytes bytes;
  check(env, napi_get_typedarray_info(env, value, &type, &length, &bytes.data, nullptr, nullptr));
  static constexpr size_t kSizes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  const size_t index = static_cast<size_t>(type);
  bytes.length = length * (index < sizeof(kSizes) / sizeof(kSizes[0]) ? kSizes[index] : 2);
  return bytes;
}

void requireBytes(const Bytes& bytes, size_t needed, const char* what) {
  if (bytes.length != needed) {
    throw ArgumentError(std::string(what) + " needs " + std::to_string(needed) + " bytes, the typed array has " +
                        std::to_string(bytes.length));
  }
}

// fromBytes(typedArray, dtype, shape) -> handle; the bytes are copied
napi_value fromBytes(Arguments& a) {
  const Bytes bytes = bytesOf(a.env, a[0]);
  const at::ScalarType dtype = dtypeFromName(toString(a.env, a[1]));
  const std::vector<int64_t> shape = toIntList(a.env, a[2]);
  // Before anything is allocated: a wrong shape may ask for more than there is.
  int64_t needed = static_cast<int64_t>(c10::elementSize(dtype));
  for (int64_t size : shape) {
    if (size < 0) throw ArgumentError("a shape cannot hold " + std::to_string(size));
    if (__builtin_mul_overflow(needed, size, &needed)) throw ArgumentError("the shape is larger than any memory");
  }
  requireBytes(bytes, static_cast<size_t>(needed), "the shape");
  at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(dtype));
  if (bytes.length > 0) std::memcpy(tensor.data_ptr(), bytes.data, bytes.length);
  return fromInt32(a.env, Slots::local().add(std::move(tensor)));
}

// readInto(handle, typedArray): copies a contiguous view of the values into memory of the caller
napi_value readInto(Arguments& a) {
  at::Tensor tensor = tensorOf(a, 0).detach();
  const Bytes bytes = bytesOf(a.env, a[1]);
  requireBytes(bytes, tensor.nbytes(), "the tensor");
  if (!tensor.device().is_cpu()) tensor = tensor.cpu();
  tensor = tensor.contiguous();
  if (bytes.length > 0) std::memcpy(bytes.data, tensor.data_ptr(), bytes.length);
  return nothing(a.env);
}

// writeFrom(handle, typedArray): overwrites the values in place, whatever strides and device, without autograd
napi_value writeFrom(Arguments& a) {
  at::Tensor tensor = tensorOf(a, 0).detach();
  const Bytes bytes = bytesOf(a.env, a[1]);
  requireBytes(bytes, tensor.nbytes(), "the tensor");
  if (bytes.length == 0) return nothing(a.env);
  const at::Tensor source =
      at::from_blob(bytes.data, tensor.sizes(), at::TensorOptions().dtype(tensor.scalar_type()));
  tensor.copy_(source);
  return nothing(a.env);
}

napi_value numbers(napi_env env, c10::IntArrayRef list) {
  napi_value array;
  check(env, napi_create_array_with_length(env, list.size(), &array));
  for (size_t i = 0; i < list.size(); ++i) {
    check(env, napi_set_element(env, array, static_cast<uint32_t>(i), fromDouble(env, static_cast<double>(list[i]))));
  }
  return array;
}

napi_value shape(Arguments& a) { return numbers(a.env, tensorOf(a, 0).sizes()); }
napi_value strides(Arguments& a) { return numbers(a.env, tensorOf(a, 0).strides()); }
napi_value dtype(Arguments& a) { return fromString(a.env, dtypeName(tensorOf(a, 0).scalar_type())); }
napi_value device(Arguments& a) { return fromString(a.env, tensorOf(a, 0).device().str()); }
napi_value nbytes(Arguments& a) { return fromDouble(a.env, static_cast<double>(tensorOf(a, 0).nbytes())); }

// isContiguous(handle, 'contiguous_format' | 'channels_last' | 'channels_last_3d')
napi_value isContiguous(Arguments& a) {
  const std::string name = a.has(1) ? toString(a.env, a[1]) : "contiguous_format";
  const c10::MemoryFormat format = name == "channels_last"      ? c10::MemoryFormat::ChannelsLast
                                   : name == "channels_last_3d" ? c10::MemoryFormat::ChannelsLast3d
                                                                : c10::MemoryFormat::Contiguous;
  return fromBool(a.env, tensorOf(a, 0).is_contiguous(format));
}

// item(handle) -> number | boolean, of a tensor with one element
napi_value item(Arguments& a) {
  const c10::Scalar scalar = tensorOf(a, 0).item();
  if (scalar.isBoolean()) return fromBool(a.env, scalar.toBool());
  return fromDouble(a.env, scalar.toDouble());
}

napi_value release(Arguments& a) {
  Slots::local().release(toInt32(a.env, a[0]));
  return nothing(a.env);
}

napi_value alive(Arguments& a) { return fromBool(a.env, Slots::local().alive(toInt32(a.env, a[0]))); }
napi_value beginScope(Arguments& a) { return fromInt32(a.env, Slots::local().beginScope()); }

napi_value endScope(Arguments& a) {
  return fromInt32(a.env, Slots::local().endScope(a.has(0) ? toHandles(a.env, a[0]) : std::vector<int32_t>()));
}

napi_value scopeDepth(Arguments& a) { return fromInt32(a.env, Slots::local().depth()); }

napi_value detachFromScopes(Arguments& a) {
  Slots::local().detachFromScopes(toInt32(a.env, a[0]));
  return nothing(a.env);
}

napi_value liveTensors(Arguments& a) { return fromInt32(a.env, Slots::local().live()); }

}  // namespace

void registerTensors(napi_env env, napi_value exports) {
  define<fromBytes>(env, exports, "fromBytes");
  define<readInto>(env, exports, "readInto");
  define<writeFrom>(env, exports, "writeFrom");
  define<shape>(env, exports, "shape");
  define<strides>(env, exports, "strides");
  define<dtype>(env, exports, "dtype");
  define<device>(env, exports, "device");
  define<nbytes>(env, exports, "nbytes");
  define<isContiguous>(env, exports, "isContiguous");
  define<item>(env, exports, "item");
  define<release>(env, exports, "release");
  define<alive>(env, exports, "alive");
  define<beginScope>(env, exports, "beginScope");
  define<endScope>(env, exports, "endScope");
  define<scopeDepth>(env, exports, "scopeDepth");
  define<detachFromScopes>(env, exports, "detachFromScopes");
  define<liveTensors>(env, exports, "liveTensors");
}

}  // namespace plurad
