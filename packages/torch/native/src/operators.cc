// The one door: any operator by name, its arguments converted by the operator's own schema, called boxed.
#include "engine.h"

#include <ATen/core/Generator.h>
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/jit_type.h>

#include <cmath>

namespace plurad {
namespace {

using c10::IValue;
using c10::TypeKind;

enum class Kind : uint8_t {
  Tensor, Scalar, Int, Float, Bool, String, Device, Dtype, Layout, MemoryFormat, Generator,
  TensorList, OptionalTensorList, ScalarList, IntList, FloatList, BoolList, StringList, Unsupported,
};

struct Argument {
  std::string name;
  std::string type;
  Kind kind;
  bool optional;
  bool keywordOnly;
  bool hasDefault;
  IValue defaultValue;
  int32_t fixedLength;  // int[2] takes one integer for both
};

struct Operator {
  c10::OperatorHandle handle;
  std::vector<Argument> arguments;
  // For every result: the argument that it is (an in-place operator gives its input back), or -1.
  std::vector<int32_t> sameAs;
};

std::vector<Operator>& operators() {
  static thread_local auto* list = new std::vector<Operator>;
  return *list;
}

Kind elementKind(const c10::TypePtr& type) {
  switch (type->kind()) {
    case TypeKind::TensorType: return Kind::TensorList;
    case TypeKind::NumberType: return Kind::ScalarList;
    case TypeKind::IntType:
    case TypeKind::SymIntType: return Kind::IntList;
    case TypeKind::FloatType: return Kind::FloatList;
    case TypeKind::BoolType: return Kind::BoolList;
    case TypeKind::StringType: return Kind::StringList;
    case TypeKind::OptionalType: {
      const auto inner = type->castRaw<c10::OptionalType>()->getElementType();
      return inner->kind() == TypeKind::TensorType ? Kind::OptionalTensorList : Kind::Unsupported;
    }
    default: return Kind::Unsupported;
  }
}

Kind kindOf(const c10::TypePtr& type) {
  switch (type->kind()) {
    case TypeKind::TensorType: return Kind::Tensor;
    case TypeKind::NumberType: return Kind::Scalar;
    case TypeKind::IntType:
    case TypeKind::SymIntType: return Kind::Int;
    case TypeKind::FloatType: return Kind::Float;
    case TypeKind::BoolType: return Kind::Bool;
    case TypeKind::StringType: return Kind::String;
    case TypeKind::DeviceObjType: return Kind::Device;
    case TypeKind::ScalarTypeType: return Kind::Dtype;
    case TypeKind::LayoutType: return Kind::Layout;
    case TypeKind::MemoryFormatType: return Kind::MemoryFormat;
    case TypeKind::GeneratorType: return Kind::Generator;
    case TypeKind::ListType: return elementKind(type->castRaw<c10::ListType>()->getElementType());
    default: return Kind::Unsupported;
  }
}

Operator makeOperator(c10::OperatorHandle handle) {
  Operator op{handle, {}, {}};
  const c10::FunctionSchema& schema = handle.schema();
  for (const c10::Argument& argument : schema.arguments()) {
    c10::TypePtr type = argument.real_type();
    bool optional = false;
    if (type->kind() == TypeKind::OptionalType) {
      optional = true;
      type = type->castRaw<c10::OptionalType>()->getElementType();
    }
    const bool hasDefault = argument.default_value().has_value();
    op.arguments.push_back({argument.name(), argument.real_type()->str(), kindOf(type), optional,
                            argument.kwarg_only(), hasDefault,
                            hasDefault ? *argument.default_value() : IValue(), argument.N().value_or(0)});
  }
  for (const c10::Argument& result : schema.returns()) {
    int32_t same = -1;
    if (result.alias_info() && result.alias_info()->isWrite()) {
      for (size_t i = 0; i < schema.arguments().size(); ++i) {
        const auto* alias = schema.arguments()[i].alias_info();
        if (alias && alias->isWrite() && alias->beforeSets() == result.alias_info()->beforeSets()) {
          same = static_cast<int32_t>(i);
        }
      }
    }
    op.sameAs.push_back(same);
  }
  return op;
}

c10::Scalar toScalar(napi_env env, napi_value value) {
  if (typeOf(env, value) == napi_boolean) return c10::Scalar(toBool(env, value));
  const double number = toDouble(env, value);
  if (!isSafeInteger(number)) return c10::Scalar(number);
  const int64_t integer = static_cast<int64_t>(number);
  // -0 has to stay a floating point number.
  if (static_cast<double>(integer) == number && !(integer == 0 && std::signbit(number))) return c10::Scalar(integer);
  return c10::Scalar(number);
}

int64_t toInteger(napi_env env, napi_value value) {
  const double number = toDouble(env, value);
  if (!isSafeInteger(number)) throw ArgumentError("expected an integer, got " + describe(env, value));
  return static_cast<int64_t>(number);
}

template <typename Convert>
void eachElement(napi_env env, napi_value value, Convert convert) {
  bool array = false;
  check(env, napi_is_array(env, value, &array));
  if (!array) throw ArgumentError("expected an array, got " + describe(env, value));
  uint32_t length = 0;
  check(env, napi_get_array_length(env, value, &length));
  for (uint32_t i = 0; i < length; ++i) {
    napi_value element;
    check(env, napi_get_element(env, value, i, &element));
    convert(element);
  }
}

bool isNumber(napi_env env, napi_value value) { return typeOf(env, value) == napi_number; }

IValue convert(napi_env env, const Argument& argument, napi_value value) {
  switch (argument.kind) {
    case Kind::Tensor: return IValue(Slots::local().get(toInt32(env, value)));
    case Kind::Scalar: return IValue(toScalar(env, value));
    case Kind::Int: return IValue(toInteger(env, value));
    case Kind::Float: return IValue(toDouble(env, value));
    case Kind::Bool: return IValue(toBool(env, value));
    case Kind::String: return IValue(toString(env, value));
    case Kind::Device: return IValue(c10::Device(toString(env, value)));
    case Kind::Dtype: return IValue(static_cast<int64_t>(dtypeFromName(toString(env, value))));
    case Kind::Layout: {
      const std::string name = toString(env, value);
      if (name == "strided") return IValue(static_cast<int64_t>(c10::kStrided));
      if (name == "sparse_coo") return IValue(static_cast<int64_t>(c10::kSparse));
      throw ArgumentError("expected a layout (strided, sparse_coo), got '" + name + "'");
    }
    case Kind::MemoryFormat: {
      const std::string name = toString(env, value);
      if (name == "contiguous_format") return IValue(static_cast<int64_t>(c10::MemoryFormat::Contiguous));
      if (name == "channels_last") return IValue(static_cast<int64_t>(c10::MemoryFormat::ChannelsLast));
      if (name == "channels_last_3d") return IValue(static_cast<int64_t>(c10::MemoryFormat::ChannelsLast3d));
      if (name == "preserve_format") return IValue(static_cast<int64_t>(c10::MemoryFormat::Preserve));
      throw ArgumentError(
          "expected a memory format (contiguous_format, channels_last, channels_last_3d, preserve_format), got '" +
          name + "'");
    }
    case Kind::Generator: return IValue(generatorAt(toInt32(env, value)));
    case Kind::TensorList: {
      c10::List<at::Tensor> list;
      eachElement(env, value, [&](napi_value e) { list.push_back(Slots::local().get(toInt32(env, e))); });
      return IValue(std::move(list));
    }
    case Kind::OptionalTensorList: {
      c10::List<c10::optional<at::Tensor>> list;
      eachElement(env, value, [&](napi_value e) {
        if (isNothing(env, e)) {
          list.push_back(c10::optional<at::Tensor>());
        } else {
          list.push_back(c10::optional<at::Tensor>(Slots::local().get(toInt32(env, e))));
        }
      });
      return IValue(std::move(list));
    }
    case Kind::ScalarList: {
      // A list of Scalars is a list of any: its elements keep whether they are integers.
      c10::impl::GenericList list(c10::NumberType::get());
      eachElement(env, value, [&](napi_value e) { list.push_back(IValue(toScalar(env, e))); });
      return IValue(std::move(list));
    }
    case Kind::IntList: {
      c10::List<int64_t> list;
      if (argument.fixedLength > 0 && isNumber(env, value)) {
        for (int32_t i = 0; i < argument.fixedLength; ++i) list.push_back(toInteger(env, value));
      } else {
        eachElement(env, value, [&](napi_value e) { list.push_back(toInteger(env, e)); });
      }
      return IValue(std::move(list));
    }
    case Kind::FloatList: {
      c10::List<double> list;
      eachElement(env, value, [&](napi_value e) { list.push_back(toDouble(env, e)); });
      return IValue(std::move(list));
    }
    case Kind::BoolList: {
      c10::List<bool> list;
      eachElement(env, value, [&](napi_value e) { list.push_back(toBool(env, e)); });
      return IValue(std::move(list));
    }
    case Kind::StringList: {
      c10::List<std::string> list;
      eachElement(env, value, [&](napi_value e) { list.push_back(toString(env, e)); });
      return IValue(std::move(list));
    }
    case Kind::Unsupported: break;
  }
  throw ArgumentError("arguments of type " + argument.type + " cannot be given from JavaScript");
}

napi_value toJavaScript(napi_env env, const IValue& value);

template <typename List>
napi_value listToJavaScript(napi_env env, const List& list) {
  napi_value array;
  check(env, napi_create_array_with_length(env, list.size(), &array));
  for (size_t i = 0; i < list.size(); ++i) {
    check(env, napi_set_element(env, array, static_cast<uint32_t>(i), toJavaScript(env, IValue(list[i]))));
  }
  return array;
}

napi_value toJavaScript(napi_env env, const IValue& value) {
  if (value.isTensor()) {
    const at::Tensor& tensor = value.toTensor();
    if (!tensor.defined()) return nothing(env);
    return fromInt32(env, Slots::local().add(tensor));
  }
  if (value.isNone()) return nothing(env);
  if (value.isBool()) return fromBool(env, value.toBool());
  if (value.isInt()) return fromDouble(env, static_cast<double>(value.toInt()));
  if (value.isDouble()) return fromDouble(env, value.toDouble());
  if (value.isScalar()) return fromDouble(env, value.toScalar().toDouble());
  if (value.isString()) return fromString(env, value.toStringRef());
  if (value.isTensorList()) return listToJavaScript(env, value.toTensorVector());
  if (value.isIntList()) return listToJavaScript(env, value.toIntVector());
  if (value.isDoubleList()) return listToJavaScript(env, value.toDoubleVector());
  if (value.isBoolList()) {
    napi_value array;
    const auto list = value.toBoolList();
    check(env, napi_create_array_with_length(env, list.size(), &array));
    for (size_t i = 0; i < list.size(); ++i) {
      check(env, napi_set_element(env, array, static_cast<uint32_t>(i), fromBool(env, list.get(i))));
    }
    return array;
  }
  throw std::runtime_error("results of type " + value.tagKind() + " cannot be given to JavaScript");
}

std::string fullName(const c10::FunctionSchema& schema) {
  return schema.overload_name().empty() ? schema.name() : schema.name() + "." + schema.overload_name();
}

napi_value setProperty(napi_env env, napi_value object, const char* name, napi_value value) {
  check(env, napi_set_named_property(env, object, name, value));
  return object;
}

// findOperator(name, overload) -> { id, name, arguments, results } | undefined
napi_value findOperator(Arguments& a) {
  const std::string name = toString(a.env, a[0]);
  const std::string overload = toString(a.env, a[1]);
  auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
  if (!handle) return nothing(a.env);
  operators().push_back(makeOperator(*handle));
  const Operator& op = operators().back();

  napi_value result, arguments, results;
  check(a.env, napi_create_object(a.env, &result));
  check(a.env, napi_create_array(a.env, &arguments));
  uint32_t i = 0;
  for (const Argument& argument : op.arguments) {
    napi_value object;
    check(a.env, napi_create_object(a.env, &object));
    setProperty(a.env, object, "name", fromString(a.env, argument.name));
    setProperty(a.env, object, "type", fromString(a.env, argument.type));
    setProperty(a.env, object, "keywordOnly", fromBool(a.env, argument.keywordOnly));
    setProperty(a.env, object, "required", fromBool(a.env, !argument.hasDefault && !argument.optional));
    const char* holds = argument.kind == Kind::Tensor               ? "tensor"
                        : argument.kind == Kind::TensorList         ? "tensors"
                        : argument.kind == Kind::OptionalTensorList ? "tensors"
                        : argument.kind == Kind::Generator          ? "generator"
                                                                    : "value";
    setProperty(a.env, object, "holds", fromString(a.env, holds));
    check(a.env, napi_set_element(a.env, arguments, i++, object));
  }
  check(a.env, napi_create_array(a.env, &results));
  i = 0;
  for (const c10::Argument& returned : op.handle.schema().returns()) {
    napi_value object;
    check(a.env, napi_create_object(a.env, &object));
    setProperty(a.env, object, "type", fromString(a.env, returned.real_type()->str()));
    const Kind kind = kindOf(returned.type());
    setProperty(a.env, object, "holds",
                fromString(a.env, kind == Kind::Tensor ? "tensor" : kind == Kind::TensorList ? "tensors" : "value"));
    setProperty(a.env, object, "sameAs", fromInt32(a.env, op.sameAs[i]));
    check(a.env, napi_set_element(a.env, results, i++, object));
  }
  setProperty(a.env, result, "id", fromInt32(a.env, static_cast<int32_t>(operators().size() - 1)));
  setProperty(a.env, result, "name", fromString(a.env, fullName(op.handle.schema())));
  setProperty(a.env, result, "arguments", arguments);
  setProperty(a.env, result, "results", results);
  return result;
}

// listOperators() -> every schema that the engine knows, in its own notation
napi_value listOperators(Arguments& a) {
  napi_value array;
  check(a.env, napi_create_array(a.env, &array));
  uint32_t i = 0;
  for (const c10::OperatorName& name : c10::Dispatcher::singleton().getAllOpNames()) {
    auto handle = c10::Dispatcher::singleton().findSchema(name);
    if (!handle) continue;
    check(a.env, napi_set_element(a.env, array, i++, fromString(a.env, c10::toString(handle->schema()))));
  }
  return array;
}

class BorrowedStack {
 public:
  torch::jit::Stack stack;
  BorrowedStack() { stack.swap(spare()); }
  ~BorrowedStack() {
    stack.clear();
    stack.swap(spare());
  }

 private:
  static torch::jit::Stack& spare() {
    static thread_local auto* stack = new torch::jit::Stack;
    return *stack;
  }
};

// call(id, ...arguments in the schema's order) -> the result, an array of results, or undefined
napi_value call(Arguments& a) {
  const size_t id = static_cast<size_t>(toInt32(a.env, a[0]));
  if (id >= operators().size()) throw ArgumentError("no such operator");
  const Operator& op = operators()[id];

  // Borrowed, so that its memory is reused; not held, since reading an array may run JavaScript that calls again.
  BorrowedStack borrowed;
  torch::jit::Stack& stack = borrowed.stack;
  size_t i = 0;
  try {
    for (; i < op.arguments.size(); ++i) {
      const Argument& argument = op.arguments[i];
      const napi_value value = i + 1 < a.count ? a.values[i + 1] : nullptr;
      if (value == nullptr || isNothing(a.env, value)) {
        if (argument.hasDefault && (value == nullptr || typeOf(a.env, value) == napi_undefined || !argument.optional)) {
          stack.push_back(argument.defaultValue);
        } else if (argument.optional) {
          stack.emplace_back();
        } else {
          throw ArgumentError("is missing");
        }
        continue;
      }
      stack.push_back(convert(a.env, argument, value));
    }
  } catch (const ArgumentError& error) {
    const Argument& argument = op.arguments[i];
    throw ArgumentError(fullName(op.handle.schema()) + ": argument '" + argument.name + "' (" + argument.type +
                        "): " + error.what());
  } catch (const c10::Error& error) {
    const Argument& argument = op.arguments[i];
    throw ArgumentError(fullName(op.handle.schema()) + ": argument '" + argument.name + "' (" + argument.type +
                        "): " + error.what_without_backtrace());
  }

  try {
    op.handle.callBoxed(&stack);
  } catch (...) {
    throw;
  }

  const size_t count = op.sameAs.size();
  napi_value result = nullptr;
  if (count == 0 || stack.empty()) {
    result = nothing(a.env);
  } else if (count == 1) {
    result = op.sameAs[0] >= 0 ? nothing(a.env) : toJavaScript(a.env, stack[0]);
  } else {
    check(a.env, napi_create_array_with_length(a.env, count, &result));
    for (size_t r = 0; r < count; ++r) {
      const napi_value value = op.sameAs[r] >= 0 ? nothing(a.env) : toJavaScript(a.env, stack[r]);
      check(a.env, napi_set_element(a.env, result, static_cast<uint32_t>(r), value));
    }
  }
  return result;
}

}  // namespace

void registerOperators(napi_env env, napi_value exports) {
  define<findOperator>(env, exports, "findOperator");
  define<listOperators>(env, exports, "listOperators");
  define<call>(env, exports, "call");
}

}  // namespace plurad
