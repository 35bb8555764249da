import type { nn } from '@plurad/torch'
import { RecipeError } from '../../../errors.js'
import type { Classifier } from '../../../models/classifier.js'
import { parameterGroups, type LearningGroup } from '../../../models/parameter-groups.js'
import type { Recipe } from '../../../recipe/schema.js'

/**
 * What contrastive training learns: the backbone as the recipe has it learn (frozen stages, layer-wise rates), and the
 * projection at the full rate. The classifier's head takes no part.
 *
 * @throws RecipeError where all of the backbone is frozen
 */
export function contrastiveGroups(
  { optimizer }: Recipe['training'],
  model: Classifier,
  projection: nn.Module,
): LearningGroup[] {
  const ofBackbone = new Set(model.backbone.parameters())
  const groups = parameterGroups(model, {
    weightDecay: optimizer.weight_decay,
    layerDecay: optimizer.layer_decay ?? 1,
    noDecay: optimizer.no_decay,
  }).map((group) => ({ ...group, parameters: group.parameters.filter((each) => ofBackbone.has(each)) }))
  const learning = groups.filter(({ parameters }) => parameters.length > 0)
  if (learning.length === 0) {
    throw new RecipeError(
      'simclr: all of the backbone is frozen, so there is nothing to learn. Leave model.freeze to the stages after it.',
    )
  }
  return [{ parameters: projection.parameters(), weightDecay: optimizer.weight_decay, share: 1 }, ...learning]
}
