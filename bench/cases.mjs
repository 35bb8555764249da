/** What is measured, against what, and the ratio that is aimed for (ours / peer; below 1 is faster). */
const step = { batch: 16, size: 224, steps: 8, warmup: 2 }
const plain = { precision: 'float32', channelsLast: false }
const fast = { precision: 'bfloat16', channelsLast: true }

export const cases = {
  'training-step': {
    about: 'DenseNet-121, batch 16 at 224, float32, Adam: like for like with PyTorch',
    ours: { program: 'ours/training-step.mjs', args: { ...step, ...plain } },
    peer: { program: 'peer/training_step.py', args: { ...step, ...plain } },
    goal: 1.03,
  },
  'training-step-fast': {
    about: 'the same step as plurad trains by default (bfloat16, channels_last) against PyTorch’s default',
    ours: { program: 'ours/training-step.mjs', args: { ...step, ...fast } },
    peer: { program: 'peer/training_step.py', args: { ...step, ...plain } },
    goal: 0.5,
  },
  'tiny-operator': {
    about: 'adding two tensors of three elements',
    ours: { program: 'ours/tiny-operator.mjs', args: { count: 1e6 } },
    peer: { program: 'peer/tiny_operator.py', args: { count: 1e6 } },
  },
  'inference-1': {
    about: 'DenseNet-121 forward at 224, one image, float32',
    ours: { program: 'ours/inference.mjs', args: { batch: 1, size: 224, runs: 30 } },
    peer: { program: 'peer/inference.py', args: { batch: 1, size: 224, runs: 30 } },
  },
  'inference-16': {
    about: 'DenseNet-121 forward at 224, 16 images, float32',
    ours: { program: 'ours/inference.mjs', args: { batch: 16, size: 224, runs: 6 } },
    peer: { program: 'peer/inference.py', args: { batch: 16, size: 224, runs: 6 } },
  },
  epoch: {
    about:
      'an epoch from 50 PNG files of 1024 pixels (decode, resize to 224, train) as plurad does by default (bfloat16) ' +
      'against DataLoader (2 workers), torchvision and PyTorch’s default step',
    ours: { program: 'ours/epoch.mjs', args: { repeats: 3, batch: 16, size: 224, precision: 'auto' } },
    peer: { program: 'peer/epoch.py', args: { repeats: 3, batch: 16, size: 224, workers: 2 } },
    goal: 0.6,
  },
  'epoch-float32': {
    about: 'the same with both in float32',
    ours: { program: 'ours/epoch.mjs', args: { repeats: 3, batch: 16, size: 224, precision: 'float32' } },
    peer: { program: 'peer/epoch.py', args: { repeats: 3, batch: 16, size: 224, workers: 2 } },
  },
}
