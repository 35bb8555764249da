/** The methods of bench/methods.mjs: what each changes of base.yaml, and on which data sets they are compared. */

const ldrnet = { head: { name: 'ldrnet', prompt: false, layers: 1, heads: 4, feed_forward: 512 } }
const head = (settings) => ({ model: { head: settings } })
const loss = (settings) => ({ loss: settings })
/** A second stage of fewer epochs, at a tenth of the rate. */
const short = { training: { epochs: 3, optimizer: { learning_rate: 1e-4 } } }

/**
 * `from`: the second stage begins with what that method has learned with the same seed, as it would after a first stage of
 * its own.
 */
export const methods = {
  bce: {},
  'weighted-bce': loss({ name: 'weighted_bce' }),
  focal: loss({ name: 'focal' }),
  asl: loss({ name: 'asl' }),
  ral: loss({ name: 'ral' }),
  'two-way': loss({ name: 'two_way' }),
  'distribution-balanced': loss({ name: 'distribution_balanced' }),
  msml: { loss: { name: 'msml' } },
  'ml-gcn': head({ name: 'ml_gcn', threshold: 0.1 }),
  query2label: head({ name: 'query2label' }),
  'class-aware': { training: { sampler: 'class-aware' } },
  crt: { from: 'bce', stages: [{ name: 'crt', recipe: { training: { epochs: 3 } } }] },
  'ldrnet-1': { model: ldrnet },
  ...Object.fromEntries(
    ['paper', 'balanced', 'anchored', 'uniform'].map((sampling) => [
      `ldrnet-12-${sampling}`,
      {
        from: 'ldrnet-1',
        model: ldrnet,
        stages: [{ name: 'ldrnet', sampling, rounds: 3, recipe: short }],
      },
    ]),
  ),
  // Nearer to binary cross-entropy in the E-step than the paper's q of 0.8, which its text takes for near to it.
  'ldrnet-12-balanced-q0.2': {
    from: 'ldrnet-1',
    model: ldrnet,
    stages: [{ name: 'ldrnet', sampling: 'balanced', q: 0.2, rounds: 3, recipe: short }],
  },
  'attention-ensemble': {
    model: { head: 'location_attention' },
    ensemble: {
      method: 'weighted',
      members: ['resnet18', 'mobilenet_v2', 'mobilenet_v3_large'].map((backbone) => ({
        name: backbone,
        recipe: { model: { backbone } },
      })),
    },
  },
}

/** Share of the training images from which a label is frequent, and under which it is rare: these sets are small. */
export const GROUPS = { head: 0.1, tail: 0.03 }

/**
 * Epochs by what there is to learn from, and by what two cores can do in an hour or two; smaller batches where an epoch of 64
 * would be too few steps (with 64, twelve epochs of NIH's 698 images taught binary cross-entropy nothing).
 */
export const datasets = {
  'rfmid-64px': { data: { channels: 3 }, training: { epochs: 6 } },
  'nih1000-64px': { data: { channels: 1 }, training: { epochs: 12, batch_size: 16 } },
  // An eye an image, with the labels of its own keywords; at 64 pixels.
  'odir5k-224px': {
    pack: true,
    data: { channels: 3, set: { adapter: 'odir', sample: 'eye' } },
    training: { epochs: 4, batch_size: 32 },
  },
}
