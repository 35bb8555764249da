// Conversions between JavaScript values and plain C++ ones, and from C++ exceptions to JavaScript errors.
#include "engine.h"

#include <c10/util/Exception.h>

#include <cmath>
#include <new>

namespace plurad {

void check(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) throw PendingException{};
  const napi_extended_error_info* info = nullptr;
  napi_get_last_error_info(env, &info);
  throw ArgumentError(info && info->error_message ? info->error_message : "Node-API call failed");
}

napi_valuetype typeOf(napi_env env, napi_value value) {
  napi_valuetype type;
  check(env, napi_typeof(env, value, &type));
  return type;
}

bool isNothing(napi_env env, napi_value value) {
  const napi_valuetype type = typeOf(env, value);
  return type == napi_undefined || type == napi_null;
}

std::string toString(napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) {
    throw ArgumentError("expected a string, got " + describe(env, value));
  }
  std::string text(length, '\0');
  check(env, napi_get_value_string_utf8(env, value, &text[0], length + 1, &length));
  return text;
}

std::string describe(napi_env env, napi_value value) {
  switch (typeOf(env, value)) {
    case napi_undefined: return "undefined";
    case napi_null: return "null";
    case napi_boolean: return toBool(env, value) ? "true" : "false";
    case napi_string: return "the string '" + toString(env, value) + "'";
    case napi_function: return "a function";
    case napi_number: {
      double number = 0;
      napi_get_value_double(env, value, &number);
      char text[40];
      snprintf(text, sizeof text, "%.12g", number);
      return std::string("the number ") + text;
    }
    default: {
      bool array = false;
      napi_is_array(env, value, &array);
      return array ? "an array" : "an object";
    }
  }
}

int32_t toInt32(napi_env env, napi_value value) {
  int32_t number = 0;
  if (napi_get_value_int32(env, value, &number) != napi_ok) {
    throw ArgumentError("expected an integer, got " + describe(env, value));
  }
  return number;
}

double toDouble(napi_env env, napi_value value) {
  double number = 0;
  if (napi_get_value_double(env, value, &number) != napi_ok) {
    throw ArgumentError("expected a number, got " + describe(env, value));
  }
  return number;
}

bool isSafeInteger(double number) {
  return std::abs(number) <= 9007199254740991.0 && number == std::trunc(number);
}

bool toBool(napi_env env, napi_value value) {
  bool boolean = false;
  if (napi_get_value_bool(env, value, &boolean) != napi_ok) {
    throw ArgumentError("expected true or false, got " + describe(env, value));
  }
  return boolean;
}

namespace {
uint32_t arrayLength(napi_env env, napi_value value) {
  bool array = false;
  check(env, napi_is_array(env, value, &array));
  if (!array) throw ArgumentError("expected an array, got " + describe(env, value));
  uint32_t length = 0;
  check(env, napi_get_array_length(env, value, &length));
  return length;
}
}  // namespace

std::vector<int64_t> toIntList(napi_env env, napi_value value) {
  std::vector<int64_t> list(arrayLength(env, value));
  for (uint32_t i = 0; i < list.size(); ++i) {
    napi_value element;
    check(env, napi_get_element(env, value, i, &element));
    const double number = toDouble(env, element);
    if (!isSafeInteger(number)) {
      throw ArgumentError("expected integers, got " + describe(env, element) + " at position " + std::to_string(i));
    }
    list[i] = static_cast<int64_t>(number);
  }
  return list;
}

std::vector<int32_t> toHandles(napi_env env, napi_value value) {
  std::vector<int32_t> list(arrayLength(env, value));
  for (uint32_t i = 0; i < list.size(); ++i) {
    napi_value element;
    check(env, napi_get_element(env, value, i, &element));
    list[i] = toInt32(env, element);
  }
  return list;
}

napi_value fromInt32(napi_env env, int32_t value) {
  napi_value result;
  check(env, napi_create_int32(env, value, &result));
  return result;
}

napi_value fromDouble(napi_env env, double value) {
  napi_value result;
  check(env, napi_create_double(env, value, &result));
  return result;
}

napi_value fromBool(napi_env env, bool value) {
  napi_value result;
  check(env, napi_get_boolean(env, value, &result));
  return result;
}

napi_value fromString(napi_env env, const std::string& value) {
  napi_value result;
  check(env, napi_create_string_utf8(env, value.data(), value.size(), &result));
  return result;
}

napi_value nothing(napi_env env) {
  napi_value result;
  check(env, napi_get_undefined(env, &result));
  return result;
}

namespace {
struct DtypeName {
  const char* name;
  at::ScalarType dtype;
};
constexpr DtypeName kDtypes[] = {
    {"float32", at::kFloat}, {"float64", at::kDouble}, {"float16", at::kHalf},     {"bfloat16", at::kBFloat16},
    {"int64", at::kLong},    {"int32", at::kInt},      {"int16", at::kShort},      {"int8", at::kChar},
    {"uint8", at::kByte},    {"bool", at::kBool},      {"complex64", at::kComplexFloat},
    {"complex128", at::kComplexDouble},
};
}  // namespace

at::ScalarType dtypeFromName(const std::string& name) {
  for (const DtypeName& entry : kDtypes) {
    if (name == entry.name) return entry.dtype;
  }
  std::string known;
  for (const DtypeName& entry : kDtypes) known += (known.empty() ? "" : ", ") + std::string(entry.name);
  throw ArgumentError("expected a dtype (" + known + "), got '" + name + "'");
}

const char* dtypeName(at::ScalarType dtype) {
  for (const DtypeName& entry : kDtypes) {
    if (dtype == entry.dtype) return entry.name;
  }
  return c10::toString(dtype);
}

void throwAsJavaScript(napi_env env) {
  try {
    throw;
  } catch (const PendingException&) {
  } catch (const ArgumentError& error) {
    napi_throw_type_error(env, "ERR_ARGUMENT", error.what());
  } catch (const std::bad_alloc&) {
    napi_throw_error(env, "ERR_OUT_OF_MEMORY", "libtorch could not allocate memory");
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    const bool memory = message.find("allocate memory") != std::string::npos ||
                        message.find("not enough memory") != std::string::npos ||
                        message.find("out of memory") != std::string::npos;
    napi_throw_error(env, memory ? "ERR_OUT_OF_MEMORY" : "ERR_ENGINE", message.c_str());
  } catch (const std::exception& error) {
    napi_throw_error(env, "ERR_ENGINE", error.what());
  } catch (...) {
    napi_throw_error(env, "ERR_ENGINE", "unknown C++ exception");
  }
}

}  // namespace plurad
