/** The methods of bench/methods.mjs: what each changes of base.yaml, and on which data sets they are compared. */

const ldrnet = { head: { name: 'ldrnet', prompt: false, layers: 1, heads: 4, feed_forward: 512 } }
const head = (settings) => ({ model: { head: settings } })
const loss = (settings) => ({ loss: settings })
/** A second stage of a third of the epochs, at a tenth of the rate. */
const short = { training: { epochs: 5, optimizer: { learning_rate: 1e-4 } } }

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
  crt: { stages: ['supervised', { name: 'crt', recipe: { training: { epochs: 5 } } }] },
  'ldrnet-1': { model: ldrnet },
  ...Object.fromEntries(
    ['paper', 'balanced', 'anchored', 'uniform'].map((sampling) => [
      `ldrnet-12-${sampling}`,
      {
        model: ldrnet,
        stages: ['supervised', { name: 'ldrnet', sampling, rounds: 5, recipe: short }],
      },
    ]),
  ),
  'attention-ensemble': {
    model: { head: 'location_attention' },
    ensemble: {
      method: 'weighted',
      members: ['vgg16_bn', 'mobilenet_v2', 'resnet18'].map((backbone) => ({
        name: backbone,
        recipe: { model: { backbone } },
      })),
    },
  },
}

/** Share of the training images from which a label is frequent, and under which it is rare: these sets are small. */
export const GROUPS = { head: 0.1, tail: 0.03 }

export const datasets = {
  'rfmid-64px': { data: { channels: 3 } },
  'nih1000-64px': { data: { channels: 1 } },
  // An eye an image, with the labels of its own keywords.
  'odir5k-224px': { data: { channels: 3, set: { adapter: 'odir', sample: 'eye' } } },
}
