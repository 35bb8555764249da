// Gradients: backward, grad, leaves, and the modes that switch recording and precision.
#include "compat.h"
#include "engine.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

namespace plurad {
namespace {

using Variables = std::vector<at::Tensor>;

const at::Tensor& tensorOf(Arguments& a, size_t i) { return Slots::local().get(toInt32(a.env, a[i])); }

Variables tensorsOf(Arguments& a, size_t i) {
  Variables list;
  if (!a.has(i)) return list;
  for (int32_t handle : toHandles(a.env, a[i])) list.push_back(Slots::local().get(handle));
  return list;
}

// backward(outputs, gradients | undefined, retainGraph, createGraph, inputs | undefined)
napi_value backward(Arguments& a) {
  Variables outputs = tensorsOf(a, 0);
  Variables gradients = tensorsOf(a, 1);
  const bool retain = a.has(2) && toBool(a.env, a[2]);
  const bool create = a.has(3) && toBool(a.env, a[3]);
  if (gradients.empty()) gradients.resize(outputs.size());
  torch::autograd::backward(outputs, gradients, retain || create, create, tensorsOf(a, 4));
  return nothing(a.env);
}

// grad(outputs, inputs, gradients | undefined, retainGraph, createGraph, allowUnused) -> (handle | undefined)[]
napi_value grad(Arguments& a) {
  Variables outputs = tensorsOf(a, 0);
  Variables inputs = tensorsOf(a, 1);
  Variables gradients = tensorsOf(a, 2);
  const bool retain = a.has(3) && toBool(a.env, a[3]);
  const bool create = a.has(4) && toBool(a.env, a[4]);
  const bool unused = a.has(5) && toBool(a.env, a[5]);
  if (gradients.empty()) gradients.resize(outputs.size());
  const Variables result = torch::autograd::grad(outputs, inputs, gradients, retain || create, create, unused);
  napi_value array;
  check(a.env, napi_create_array_with_length(a.env, result.size(), &array));
  for (size_t i = 0; i < result.size(); ++i) {
    const napi_value value =
        result[i].defined() ? fromInt32(a.env, Slots::local().add(result[i])) : nothing(a.env);
    check(a.env, napi_set_element(a.env, array, static_cast<uint32_t>(i), value));
  }
  return array;
}

napi_value requiresGrad(Arguments& a) { return fromBool(a.env, tensorOf(a, 0).requires_grad()); }

napi_value setRequiresGrad(Arguments& a) {
  tensorOf(a, 0).requires_grad_(toBool(a.env, a[1]));
  return nothing(a.env);
}

napi_value isLeaf(Arguments& a) { return fromBool(a.env, tensorOf(a, 0).is_leaf()); }

// gradOf(handle) -> handle of the accumulated gradient, or undefined
napi_value gradOf(Arguments& a) {
  const at::Tensor& gradient = tensorOf(a, 0).grad();
  if (!gradient.defined()) return nothing(a.env);
  return fromInt32(a.env, Slots::local().add(gradient));
}

// setGrad(handle, handle | undefined)
napi_value setGrad(Arguments& a) {
  at::Tensor tensor = tensorOf(a, 0);
  const at::Tensor gradient = a.has(1) ? tensorOf(a, 1) : at::Tensor();
  if (gradient.defined() && (gradient.sizes() != tensor.sizes() || gradient.scalar_type() != tensor.scalar_type())) {
    throw ArgumentError("a gradient has the shape and the dtype of its tensor");
  }
  tensor.mutable_grad() = gradient;
  return nothing(a.env);
}

// clearGrads(handles): drops the gradients, which frees their memory
napi_value clearGrads(Arguments& a) {
  for (at::Tensor& tensor : tensorsOf(a, 0)) tensor.mutable_grad() = at::Tensor();
  return nothing(a.env);
}

// gradsOf(handles) -> (handle | undefined)[]: one call instead of one a parameter
napi_value gradsOf(Arguments& a) {
  const Variables list = tensorsOf(a, 0);
  napi_value array;
  check(a.env, napi_create_array_with_length(a.env, list.size(), &array));
  for (size_t i = 0; i < list.size(); ++i) {
    const at::Tensor& gradient = list[i].grad();
    const napi_value value = gradient.defined() ? fromInt32(a.env, Slots::local().add(gradient)) : nothing(a.env);
    check(a.env, napi_set_element(a.env, array, static_cast<uint32_t>(i), value));
  }
  return array;
}

// setGradMode(boolean) -> previous
napi_value setGradMode(Arguments& a) {
  const bool previous = c10::GradMode::is_enabled();
  c10::GradMode::set_enabled(toBool(a.env, a[0]));
  return fromBool(a.env, previous);
}

napi_value gradMode(Arguments& a) { return fromBool(a.env, c10::GradMode::is_enabled()); }

// autocastState(device) -> { enabled, dtype }
napi_value autocastState(Arguments& a) {
  const c10::DeviceType type = c10::Device(toString(a.env, a[0])).type();
  napi_value object;
  check(a.env, napi_create_object(a.env, &object));
  check(a.env, napi_set_named_property(a.env, object, "enabled", fromBool(a.env, compat::autocastEnabled(type))));
  check(a.env, napi_set_named_property(a.env, object, "dtype",
                                       fromString(a.env, dtypeName(compat::autocastDtype(type)))));
  return object;
}

// setAutocast(device, enabled, dtype); leaving a region also has to drop the cached casts of the weights
napi_value setAutocast(Arguments& a) {
  const c10::DeviceType type = c10::Device(toString(a.env, a[0])).type();
  compat::setAutocast(type, toBool(a.env, a[1]), dtypeFromName(toString(a.env, a[2])));
  return nothing(a.env);
}

napi_value clearAutocastCache(Arguments& a) {
  at::autocast::clear_cache();
  return nothing(a.env);
}

}  // namespace

void registerAutograd(napi_env env, napi_value exports) {
  define<backward>(env, exports, "backward");
  define<grad>(env, exports, "grad");
  define<requiresGrad>(env, exports, "requiresGrad");
  define<setRequiresGrad>(env, exports, "setRequiresGrad");
  define<isLeaf>(env, exports, "isLeaf");
  define<gradOf>(env, exports, "gradOf");
  define<gradsOf>(env, exports, "gradsOf");
  define<setGrad>(env, exports, "setGrad");
  define<clearGrads>(env, exports, "clearGrads");
  define<setGradMode>(env, exports, "setGradMode");
  define<gradMode>(env, exports, "gradMode");
  define<autocastState>(env, exports, "autocastState");
  define<setAutocast>(env, exports, "setAutocast");
  define<clearAutocastCache>(env, exports, "clearAutocastCache");
}

}  // namespace plurad
