/**
 * The classifier that an architecture was published with: VGG's three layers, MobileNet's two, a transformer's class
 * token, Inception's auxiliary branch. With as many labels as the checkpoint has classes, its weights load too.
 */
import { z } from 'zod'
import { type ClassifierRows, Head, type HeadInput, type HeadOutput } from '../head.js'
import { defineHead } from '../define.js'
import { lastLinear } from '../layers.js'
import type { nn } from '@plurad/torch'
import type { Features, PublishedOutput } from '../backbone.js'

class PublishedHead extends Head {
  readonly #classifier: nn.Module<[Features], PublishedOutput>

  constructor(classifier: nn.Module<[Features], PublishedOutput>) {
    super()
    this.#classifier = classifier
  }

  /** Its parts stand directly under the head, by the names that they have in checkpoints. */
  override *namedChildren(): Generator<[string, nn.AnyModule]> {
    yield* this.#classifier.namedChildren()
  }

  override train(mode = true): this {
    this.#classifier.train(mode)
    return super.train(mode)
  }

  forward(input: HeadInput): HeadOutput {
    this.#classifier.training = this.training
    return this.#classifier.forward(input)
  }

  override classifierRows(): ClassifierRows {
    return lastLinear(this.#classifier)
  }
}

export const published = defineHead({
  paper: "each architecture's own",
  options: z.strictObject({}),
  make: ({ backbone, labels }) => new PublishedHead(backbone.publishedClassifier(labels.length)),
})
