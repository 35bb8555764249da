#include "engine.h"

namespace plurad {

Slots& Slots::local() {
  // Never destroyed: at the end of the process libtorch's own thread state may be gone before ours.
  static thread_local Slots* slots = new Slots;
  return *slots;
}

int32_t Slots::add(at::Tensor tensor) {
  int32_t index;
  const bool full = slots_.size() > static_cast<size_t>(kSlotMask);
  if (free_.size() > kRestingSlots || (full && !free_.empty())) {
    index = free_.front();
    free_.pop_front();
  } else {
    if (full) {
      throw std::runtime_error("more than a million tensors are alive: a scope is missing around the work");
    }
    index = static_cast<int32_t>(slots_.size());
    slots_.emplace_back();
  }
  Slot& slot = slots_[index];
  slot.tensor = std::move(tensor);
  slot.used = true;
  slot.keep = false;
  slot.scoped = !marks_.empty();
  ++live_;
  const int32_t handle = (slot.generation << kSlotBits) | index;
  if (slot.scoped) scoped_.push_back(handle);
  return handle;
}

bool Slots::alive(int32_t handle) const {
  const int32_t index = handle & kSlotMask;
  if (handle <= 0 || static_cast<size_t>(index) >= slots_.size()) return false;
  const Slot& slot = slots_[index];
  return slot.used && slot.generation == (handle >> kSlotBits);
}

const at::Tensor& Slots::get(int32_t handle) const {
  if (!alive(handle)) {
    throw ArgumentError("the tensor was already freed: it was disposed, or its scope has ended without returning it");
  }
  return slots_[handle & kSlotMask].tensor;
}

void Slots::release(int32_t handle) {
  if (!alive(handle)) return;
  const int32_t index = handle & kSlotMask;
  Slot& slot = slots_[index];
  slot.used = false;
  slot.generation = slot.generation == kMaxGeneration ? 1 : slot.generation + 1;
  --live_;
  free_.push_back(index);
  // Last: freeing a tensor may free a whole graph.
  at::Tensor gone = std::move(slot.tensor);
  slot.tensor = at::Tensor();
}

int32_t Slots::beginScope() {
  marks_.push_back(scoped_.size());
  return depth();
}

int32_t Slots::endScope(const std::vector<int32_t>& kept) {
  if (marks_.empty()) throw std::runtime_error("no scope is open");
  const size_t mark = marks_.back();
  marks_.pop_back();
  for (int32_t handle : kept) {
    if (alive(handle)) slots_[handle & kSlotMask].keep = true;
  }
  size_t survivors = mark;
  const bool outermost = marks_.empty();
  for (size_t i = mark; i < scoped_.size(); ++i) {
    const int32_t handle = scoped_[i];
    if (!alive(handle)) continue;
    Slot& slot = slots_[handle & kSlotMask];
    if (!slot.scoped) continue;
    if (!slot.keep) {
      release(handle);
    } else if (outermost) {
      slot.scoped = false;
    } else {
      scoped_[survivors++] = handle;
    }
  }
  scoped_.resize(survivors);
  for (int32_t handle : kept) {
    if (alive(handle)) slots_[handle & kSlotMask].keep = false;
  }
  return depth();
}

void Slots::detachFromScopes(int32_t handle) {
  get(handle);
  slots_[handle & kSlotMask].scoped = false;
}

void Slots::clear() {
  slots_.clear();
  free_.clear();
  scoped_.clear();
  marks_.clear();
  live_ = 0;
}

}  // namespace plurad
