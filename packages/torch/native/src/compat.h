// The few calls that differ between libtorch versions, kept in this one place.
#pragma once

#include <ATen/autocast_mode.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/csrc/api/include/torch/version.h>

#define PLURAD_TORCH_AT_LEAST(major, minor) \
  (TORCH_VERSION_MAJOR > (major) || (TORCH_VERSION_MAJOR == (major) && TORCH_VERSION_MINOR >= (minor)))

namespace plurad {
namespace compat {

// Until 2.3 autocast had one set of functions for CUDA and one for the CPU; since 2.4 they take a device type.
inline bool autocastEnabled(c10::DeviceType device) {
#if PLURAD_TORCH_AT_LEAST(2, 4)
  return at::autocast::is_autocast_enabled(device);
#else
  return device == c10::DeviceType::CPU ? at::autocast::is_cpu_enabled() : at::autocast::is_enabled();
#endif
}

inline at::ScalarType autocastDtype(c10::DeviceType device) {
#if PLURAD_TORCH_AT_LEAST(2, 4)
  return at::autocast::get_autocast_dtype(device);
#else
  return device == c10::DeviceType::CPU ? at::autocast::get_autocast_cpu_dtype()
                                        : at::autocast::get_autocast_gpu_dtype();
#endif
}

inline void setAutocast(c10::DeviceType device, bool enabled, at::ScalarType dtype) {
#if PLURAD_TORCH_AT_LEAST(2, 4)
  at::autocast::set_autocast_enabled(device, enabled);
  at::autocast::set_autocast_dtype(device, dtype);
#else
  if (device == c10::DeviceType::CPU) {
    at::autocast::set_cpu_enabled(enabled);
    at::autocast::set_autocast_cpu_dtype(dtype);
  } else {
    at::autocast::set_enabled(enabled);
    at::autocast::set_autocast_gpu_dtype(dtype);
  }
#endif
}

// The device guard is the one route to a device count that has kept its name across versions.
inline int deviceCount(c10::DeviceType device) {
  if (!c10::impl::hasDeviceGuardImpl(device)) return 0;
  return static_cast<int>(c10::impl::getDeviceGuardImpl(device)->deviceCount());
}

}  // namespace compat
}  // namespace plurad
