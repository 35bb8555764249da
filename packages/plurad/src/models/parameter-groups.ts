/** Which parameters learn, how fast, and which of them shrink: what an optimiser is made with. */
import { nn, type Parameter } from '@plurad/torch'
import { RecipeError } from '../errors.js'
import type { Classifier } from './classifier.js'
import type { NO_DECAY } from './no-decay.js'
import { depthsOf, stageOf } from './stages.js'

export interface GroupingSettings {
  weightDecay: number
  /** Factor on the learning rate for every step from the head towards the pixels; 1 for the same everywhere. */
  layerDecay: number
  noDecay: readonly (typeof NO_DECAY)[number][]
}

/** Parameters with the same settings. */
export interface LearningGroup {
  parameters: Parameter[]
  weightDecay: number
  /** Share of the learning rate that they learn with. */
  share: number
}

/**
 * The parameters that learn, those of the full learning rate first. With nothing set they are one group, in the order of the
 * model. Of layer-wise rates (Clark et al., ELECTRA; Bao et al., BEiT): share = layerDecay^(steps to the head).
 */
export function parameterGroups(
  model: Classifier,
  { weightDecay, layerDecay, noDecay }: GroupingSettings,
): LearningGroup[] {
  const backboneKeys = Array.from(model.backbone.namedParameters(), ([key]) => key)
  const { depths, count } = depthsOf(model.settings.backbone.name, backboneKeys)
  const prefixes = [...model.backbones.keys()]
  const norms = normParameters(model)
  const groups = new Map<string, LearningGroup>()
  for (const [key, parameter] of model.namedParameters()) {
    if (!parameter.requiresGrad) continue
    const prefix = prefixes.find((each) => key.startsWith(each))
    const depth = prefix === undefined ? count : (depths.get(key.slice(prefix.length)) ?? 0)
    const share = layerDecay ** (count - depth)
    const spared = noDecay.some((kind) => isOf(kind, key, parameter, norms))
    const decay = spared ? 0 : weightDecay
    const name = `${share} ${decay}`
    const group = groups.get(name) ?? { parameters: [], weightDecay: decay, share }
    group.parameters.push(parameter)
    groups.set(name, group)
  }
  return [...groups.values()].sort((a, b) => b.share - a.share)
}

function normParameters(model: Classifier): Set<Parameter> {
  const norms = new Set<Parameter>()
  for (const [, module] of model.namedModules()) {
    if (!(module instanceof nn.BatchNorm || module instanceof nn.LayerNorm || module instanceof nn.GroupNorm))
      continue
    for (const parameter of module.parameters()) norms.add(parameter)
  }
  return norms
}

function isOf(
  kind: GroupingSettings['noDecay'][number],
  key: string,
  parameter: Parameter,
  norms: ReadonlySet<Parameter>,
): boolean {
  switch (kind) {
    case 'bias':
      // LSTMs call theirs bias_ih_l0; Swin's bias tables are positions.
      return /(^|[._])bias(_[ih]h)?(_l\d+)?$/.test(key)
    case 'norm':
      return norms.has(parameter)
    case 'pos_embedding':
      return /(pos_embedding|position_embedding|class_token|relative_position_bias_table)$/.test(key)
    case 'one_dimensional':
      return parameter.shape.filter((size) => size !== 1).length <= 1
  }
}

/** Everything learns again, after `freezeStages` or a stage that froze parts by itself. */
export function thaw(model: Classifier): void {
  for (const parameter of model.parameters()) parameter.requiresGrad_(true)
  model.keepInEvaluation([])
}

/**
 * Parts of a backbone stop learning: their parameters get no gradient, and their modules stay in evaluation, so that batch
 * norm keeps its statistics.
 *
 * @param freeze `backbone` for all of it, a number for the stem and so many stages
 * @throws RecipeError where the backbone has fewer stages
 */
export function freezeStages(model: Classifier, freeze: 'none' | 'backbone' | number): void {
  if (freeze === 'none') return
  const { backbone, settings } = model
  const { name } = settings.backbone
  const stages = Math.max(...Array.from(backbone.namedParameters(), ([key]) => stageOf(name, key) ?? 0))
  const last = freeze === 'backbone' ? stages : freeze
  if (last > stages) {
    throw new RecipeError(
      `model.freeze=${last}: the backbone ${name} has ${stages} stage${stages === 1 ? '' : 's'}. Use ${stages} or less, or ` +
        "'backbone'.",
    )
  }
  const isFrozen = (key: string): boolean => (stageOf(name, key) ?? 0) <= last
  const still: nn.AnyModule[] = []
  for (const each of model.backbones.values()) {
    for (const [key, parameter] of each.namedParameters()) if (isFrozen(key)) parameter.requiresGrad_(false)
    const whole = Array.from(each.namedModules()).filter(([path, module]) => {
      const keys = Array.from(module.namedParameters(), ([key]) => (path === '' ? key : `${path}.${key}`))
      return keys.length > 0 && keys.every(isFrozen)
    })
    still.push(...whole.map(([, module]) => module))
  }
  model.keepInEvaluation(still)
}
