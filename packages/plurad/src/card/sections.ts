/** The parts of a model card, each from the facts; null where there are none. */
import { stringify } from 'yaml'
import type { Interval } from '../metrics/index.js'
import { knownCheckpoint } from '../models/weights/sources.js'
import { SPLITS } from '../report/split-table.js'
import type { CardFacts } from './facts.js'
import { limitsOf } from './limits.js'
import { escaped, figure, list, table, type Cell } from './markdown.js'
import { withoutPaths } from '../without-paths.js'

export interface CardSection {
  title: string
  body: (facts: CardFacts) => string | null
}

export const cardSections: readonly CardSection[] = [
  { title: 'Intended use', body: intendedUse },
  { title: 'How to run it', body: howToRun },
  { title: 'Data', body: data },
  { title: 'Labels', body: labels },
  { title: 'Figures', body: figures },
  { title: 'Groups', body: groups },
  { title: 'Calibration', body: calibration },
  { title: 'Worse images', body: robustness },
  { title: 'Limits and warnings', body: (facts) => list(limitsOf(facts)) },
  { title: 'Training', body: training },
  { title: 'Licence', body: licence },
]

function intendedUse({ info }: CardFacts): string {
  const { size, channels, images } = info
  return [
    `Research on finding ${info.labels.map(escaped).join(', ')} in images of the kind that it was trained on` +
      `${images > 1 ? `, ${images} images a sample` : ''} (brought to ${size} x ${size} pixels, ` +
      `${channels === 1 ? 'grey' : 'colour'}). Each label gets a score of its own; several can be present, or none.`,
    'It is no medical device. Not for diagnosis without a person who reads the image, and not for other kinds of images, other ' +
      'findings or other patients than those below.',
  ].join('\n\n')
}

function howToRun({ model, info }: CardFacts): string {
  const commands = [
    `plurad predict ${model} image.png`,
    `plurad evaluate ${model} --data your-images.csv --bootstrap 2000`,
    ...(model.endsWith('.onnx') ? [] : [`plurad export ${model}    # ONNX, for use without libtorch`]),
  ]
  return `\`\`\`sh\n${commands.join('\n')}\n\`\`\`\n\nWritten by plurad ${info.plurad}.`
}

function data({ info, environment, splits, skipped }: CardFacts): string {
  const lines = [
    ...(environment === null ? [] : [`Data set: ${escaped(environment.data_name)}`]),
    `Fingerprint of its table (SHA-256): \`${info.data_fingerprint}\``,
    ...(skipped === null ? [] : [`Images that could not be used: ${skipped}`]),
  ]
  if (splits === null) return list(lines)
  const shared =
    splits.sharedPatients === null
      ? 'unknown, no patients are named'
      : `${splits.sharedPatients} (of one patient all images should be in one split)`
  const rows = SPLITS.map((name): Cell[] => {
    const { images, patients } = splits.splits[name]
    return [name, images, splits.sharedPatients === null ? null : patients]
  })
  return `${list([...lines, `Patients in more than one split: ${shared}`])}\n\n${table(['split', 'images', 'patients'], rows)}`
}

function labels({ splits }: CardFacts): string | null {
  if (splits === null) return null
  const rows = splits.labels.map((label, c): Cell[] => [
    label,
    ...SPLITS.map((name) => splits.splits[name].positives[c]),
  ])
  return `Positive images.\n\n${table(['label', ...SPLITS], rows)}`
}

function figures({ test }: CardFacts): string | null {
  if (test === null) return null
  const { intervals, macro } = test
  const of = (label: string, metric: string): Interval | null =>
    intervals?.labels.find((one) => one.label === label)?.intervals[metric] ?? null
  const rows = test.labels.map((label): string[] => [
    label.label,
    String(label.positives),
    ...(['auc', 'average_precision', 'f1'] as const).map((metric) =>
      figure(label[metric], of(label.label, metric)),
    ),
    figure(label.recall),
    figure(label.specificity),
    figure(label.threshold),
  ])
  const means = (name: string, count: number, values: typeof macro | undefined, part: string): string[] => [
    `mean of ${count} ${name}`,
    '',
    ...(['auc', 'average_precision', 'f1'] as const).map((metric) =>
      figure(values?.[metric], intervals?.means[part]?.[metric]),
    ),
    figure(values?.recall),
    figure(values?.specificity),
    '',
  ]
  const groupRows = Object.entries(test.groups ?? {}).map(([group, values]) =>
    means(`${group} labels`, values.labels.length, { ...macro, ...values }, group),
  )
  const how =
    intervals === undefined
      ? ''
      : ` In brackets intervals of ${100 * intervals.level} %, from ${intervals.repetitions} samples of the patients.`
  return (
    `Test split, ${test.images} images.${how} Thresholds were chosen on the validation split. Head, medium and tail labels have ` +
    `over 1,000, 100 to 1,000 and fewer than 100 positive training images.\n\n` +
    table(
      ['label', 'positive', 'AUC', 'average precision', 'F1', 'sensitivity', 'specificity', 'threshold'],
      [...rows, means('labels', macro.labels_counted, macro, 'macro'), ...groupRows],
    )
  )
}

function groups({ subgroups }: CardFacts): string | null {
  if (subgroups === null) return null
  return subgroups.attributes
    .map(({ name, comparable_labels: compared, groups: all }) => {
      const rows = all.map(({ value, images, patients, small, comparable }): Cell[] => [
        value + (small ? ' (small)' : ''),
        String(images),
        patients === null ? null : String(patients),
        figure(comparable.auc.value, comparable.auc.interval),
        figure(comparable.average_precision.value, comparable.average_precision.interval),
        figure(comparable.ece.value, comparable.ece.interval),
      ])
      const over =
        compared.length === 0
          ? 'No label has enough positive and negative images in every group, so that no mean can be compared.'
          : `Means over ${compared.map(escaped).join(', ')}, which all groups have enough images of.`
      const header = [name, 'images', 'patients', 'AUC', 'average precision', 'calibration error']
      return `By ${escaped(name)}. ${over}\n\n${table(header, rows)}`
    })
    .join('\n\n')
}

function calibration({ info, test }: CardFacts): string {
  if (info.calibration === null || test?.calibration === undefined) {
    const { brier, ece } = test?.macro ?? {}
    const found =
      test === null
        ? ''
        : ` Mean Brier score ${figure(brier, null, 4)}, calibration error ${figure(ece, null, 4)}.`
    return `Scores are used as the network gives them.${found}`
  }
  const { method, before, after, uncalibrated } = test.calibration
  const rows = [
    ['scores', figure(before.brier, null, 4), figure(before.ece, null, 4)],
    ['calibrated', figure(after.brier, null, 4), figure(after.ece, null, 4)],
  ]
  const left =
    uncalibrated.length === 0
      ? ''
      : ` Left as they are, as the validation split says too little of them: ${uncalibrated.map(escaped).join(', ')}.`
  return (
    `By ${method}, label by label, on the validation split; thresholds are for calibrated probabilities.${left}\n\n` +
    table(['test split, mean over labels', 'Brier score', 'calibration error'], rows)
  )
}

function robustness({ robustness: found }: CardFacts): string | null {
  if (found === null) return null
  const rows = found.corruptions.map(({ name, curve }): string[] => [
    name,
    figure(found.plain.auc.value),
    ...curve.map(({ auc }) => figure(auc.value)),
  ])
  const severities = found.corruptions[0]?.curve.map(({ severity }) => `severity ${severity}`) ?? []
  return `Mean AUC of the test split as its images get worse.\n\n${table(['corruption', 'none', ...severities], rows)}`
}

function training({ info, environment }: CardFacts): string {
  const { recipe, backbone, head } = info
  const paper = recipe['paper']
  const lines = [
    `Recipe: ${escaped(recipe.name)}${typeof paper === 'string' ? `, after ${escaped(paper)}` : ''}`,
    `Network: ${escaped(backbone.name)} with the head ${escaped(head.name)}`,
    ...(info.best_epoch === null ? [] : [`Weights of epoch ${info.best_epoch}`]),
    ...(environment === null
      ? []
      : [
          `Engine: libtorch ${environment.engine ?? '?'} on ${environment.device ?? '?'}, ${environment.precision ?? '?'}, ` +
            `${environment.threads ?? '?'} threads`,
          `Machine: ${environment.cpu}, ${environment.processors} processors, ${environment.memory_gb} GB, ${environment.platform}`,
          `Software: plurad ${environment.plurad}, Node ${environment.node}`,
          ...(environment.seconds === undefined ? [] : [`Time: ${Math.round(environment.seconds)} s`]),
        ]),
  ]
  const { model, loss, augmentation, training: settings, evaluation } = recipe
  const shown = { model, loss, augmentation, training: settings, evaluation }
  return `${list(lines)}\n\n\`\`\`yaml\n${stringify(withoutPaths(shown), { lineWidth: 100 }).trim()}\n\`\`\``
}

function licence({ info }: CardFacts): string {
  const weights = (info.recipe['model'] as { weights?: string | null } | undefined)?.weights ?? null
  const known = weights === null ? null : knownCheckpoint(weights)
  const from =
    known === null
      ? weights === null
        ? ' It was trained from random weights.'
        : ' It started from other weights, whose licence may bind it.'
      : ` It started from ${escaped(known.id)} (${escaped(known.licence)}).`
  const own =
    info.licence === null
      ? 'None is stated for these weights (`licence` in the recipe).'
      : `These weights: ${escaped(info.licence)}.`
  return `${own}${from} The licence of the data holds besides.`
}
