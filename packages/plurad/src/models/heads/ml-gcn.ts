/**
 * ML-GCN (Chen et al., Multi-Label Image Recognition with Graph Convolutional Networks, CVPR 2019): two graph convolutions
 * over the labels' vectors make one classifier a label, which meets the pooled features.
 */
import { empty, nn, Parameter, tensor, zeros, type Tensor } from '@plurad/torch'
import { z } from 'zod'
import { RecipeError } from '../../errors.js'
import { defineHead } from '../define.js'
import { Head, type HeadContext, type HeadInput, type HeadOutput, type LabelStatistics } from '../head.js'
import { averagePool, maxPool } from '../layers.js'

interface Options {
  hidden: number
  threshold: number
  reweight: number
  pooling: 'max' | 'avg'
}

/**
 * P_ij = images with i and j / images with i; A = 1 where P_ij >= threshold, i != j; each row's neighbours share
 * `reweight`, the label itself keeps 1 - reweight (all of it without neighbours); then D^-1/2 A D^-1/2 with the row sums D.
 *
 * @returns [labels][labels]
 */
export function labelGraph(
  { positives, together }: LabelStatistics,
  threshold: number,
  reweight: number,
): number[][] {
  const reweighted = together.map((row, i) => {
    const neighbours = row.map((count, j) =>
      i !== j && positives[i] > 0 && count / positives[i] >= threshold ? 1 : 0,
    )
    const sum = neighbours.reduce<number>((a, b) => a + b, 0)
    if (sum === 0) return row.map((_, j) => (i === j ? 1 : 0))
    return neighbours.map((edge, j) => (i === j ? 1 - reweight : (edge * reweight) / sum))
  })
  const scale = reweighted.map((row) => 1 / Math.sqrt(row.reduce((a, b) => a + b, 0)))
  return reweighted.map((row, i) => row.map((value, j) => scale[i] * value * scale[j]))
}

class GraphConvolution extends nn.Module<[Tensor, Tensor]> {
  readonly weight: Parameter

  constructor(from: number, to: number) {
    super()
    this.weight = new Parameter(empty([from, to]))
    const bound = 1 / Math.sqrt(to)
    nn.init.uniform_(this.weight, -bound, bound)
  }

  /** [labels, from] and the graph [labels, labels] -> [labels, to] */
  forward(x: Tensor, graph: Tensor): Tensor {
    return graph.matmul(x.matmul(this.weight))
  }
}

class MlGcn extends Head {
  readonly label_vectors: Tensor
  readonly adjacency: Tensor
  readonly gc1: GraphConvolution
  readonly gc2: GraphConvolution
  override readonly notes: readonly string[]
  readonly #pooling: Options['pooling']

  constructor({ backbone, labels, statistics, vectors, vectorShape }: HeadContext, options: Options) {
    super()
    if (vectorShape === null) {
      throw new RecipeError(
        'The head ml_gcn needs label vectors. Set model.label_vectors, for example to cooccurrence.',
      )
    }
    const { dim } = vectorShape
    this.label_vectors = nn.buffer(vectors === null ? zeros([labels.length, dim]) : tensor(vectors.labels))
    const graph = statistics === null ? null : labelGraph(statistics, options.threshold, options.reweight)
    this.adjacency = nn.buffer(graph === null ? zeros([labels.length, labels.length]) : tensor(graph))
    const empty = graph?.every((row, i) => row.every((value, j) => i === j || value === 0)) ?? false
    this.notes = empty
      ? [
          `ml_gcn: no label occurs with another in ${options.threshold * 100} % of its images: the label graph is empty ` +
            'and labels learn nothing from each other. Lower model.head.threshold.',
        ]
      : []
    this.gc1 = new GraphConvolution(dim, options.hidden)
    this.gc2 = new GraphConvolution(options.hidden, backbone.featureChannels)
    this.#pooling = options.pooling
  }

  forward({ map }: HeadInput): HeadOutput {
    const hidden = new nn.LeakyReLU(0.2).forward(this.gc1.forward(this.label_vectors, this.adjacency))
    const classifiers = this.gc2.forward(hidden, this.adjacency)
    const pooled = this.#pooling === 'max' ? maxPool(map) : averagePool(map)
    return { logits: pooled.matmul(classifiers.transpose(0, 1)) }
  }
}

export const mlGcn = defineHead({
  paper: 'Chen et al., Multi-Label Image Recognition with Graph Convolutional Networks, CVPR 2019',
  usesVectors: () => true,
  options: z.strictObject({
    hidden: z.int().min(1).default(1024),
    /** Conditional frequency from which two labels are joined; 0.4 as published leaves chest labels almost unjoined. */
    threshold: z.number().min(0).max(1).default(0.4),
    reweight: z.number().min(0).lt(1).default(0.2),
    pooling: z.enum(['max', 'avg']).default('max'),
  }),
  make: (context, options) => new MlGcn(context, options),
})
