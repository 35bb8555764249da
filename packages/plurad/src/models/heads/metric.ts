/**
 * Metric space (Jin et al., 2023): images and labels' vectors in one space; a logit is the scaled cosine between them plus
 * a bias a label. The paper's text is not at hand: scale, bias and the two projections are a reconstruction.
 */
import { empty, nn, Parameter, tensor, zeros, type Tensor } from '@plurad/torch'
import { z } from 'zod'
import { RecipeError } from '../../errors.js'
import { defineHead } from '../define.js'
import { Head, type HeadContext, type HeadInput, type HeadOutput } from '../head.js'
import { averagePool, normalise } from '../layers.js'

class MetricHead extends Head {
  readonly label_vectors: Tensor
  readonly image: nn.Linear
  readonly text: nn.Linear
  readonly bias: Parameter
  readonly #scale: number

  constructor(
    { backbone, labels, vectors, vectorShape }: HeadContext,
    { dim, scale }: { dim: number; scale: number },
  ) {
    super()
    if (vectorShape === null) {
      throw new RecipeError(
        'The head metric needs label vectors. Set model.label_vectors, for example to cooccurrence.',
      )
    }
    this.label_vectors = nn.buffer(
      vectors === null ? zeros([labels.length, vectorShape.dim]) : tensor(vectors.labels),
    )
    this.image = new nn.Linear(backbone.featureChannels, dim)
    this.text = new nn.Linear(vectorShape.dim, dim)
    this.bias = new Parameter(empty([labels.length]))
    nn.init.constant_(this.bias, 0)
    this.#scale = scale
  }

  forward({ map }: HeadInput): HeadOutput {
    const embedding = normalise(this.image.forward(averagePool(map)))
    const anchors = normalise(this.text.forward(this.label_vectors))
    const similarities = embedding.matmul(anchors.transpose(0, 1))
    return { logits: similarities.mul(this.#scale).add(this.bias), embedding, similarities }
  }
}

export const metric = defineHead({
  paper: 'Jin et al., dual-weighted metric loss, 2023',
  usesVectors: () => true,
  options: z.strictObject({
    dim: z.int().min(2).default(256),
    scale: z.number().positive().default(10),
  }),
  make: (context, options) => new MetricHead(context, options),
})
