/** The text files of a phantom data set, in the column layout of NIH's ChestX-ray14. */
import { findings } from './findings.js'
import type { PhantomImage } from './patients.js'
import type { FoundBox } from './render.js'

/** Rises whenever the same seed would draw something else. */
const phantomVersion = 1

/** Width of what an image shows, in mm: as wide as the detector of a chest stand. */
const fieldOfView = 360

export function imageName(image: PhantomImage): string {
  return `${String(image.patient).padStart(8, '0')}_${String(image.followUp).padStart(3, '0')}.png`
}

/** `Data_Entry_2017.csv`: one row an image. */
export function entryTable(images: readonly PhantomImage[], size: number): string {
  const spacing = Number((fieldOfView / size).toFixed(4))
  const rows = images.map((image) =>
    [
      imageName(image),
      // Alphabetical, as NIH has them.
      image.findings
        .map((finding) => finding.name)
        .sort()
        .join('|') || 'No Finding',
      image.followUp,
      image.patient,
      image.age,
      image.sex,
      image.view,
      size,
      size,
      spacing,
      spacing,
    ].join(','),
  )
  const header =
    'Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,' +
    'OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]'
  return [header, ...rows, ''].join('\n')
}

/** `BBox_List_2017.csv`: one row a lesion of the findings that have a place; x, y, width, height in pixels. */
export function boxTable(images: readonly PhantomImage[], boxes: readonly FoundBox[][]): string {
  const localised = new Set(findings.filter((finding) => finding.localised).map((finding) => finding.name))
  const rows = images.flatMap((image, index) =>
    boxes[index]
      .filter(({ finding }) => localised.has(finding))
      .map(({ finding, box }) => [imageName(image), finding, box.x, box.y, box.width, box.height].join(',')),
  )
  return ['Image Index,Finding Label,Bbox [x,y,w,h],,,', ...rows, ''].join('\n')
}

/** `README.md`: what this is, how to make it again, and how many of each. */
export function readme(
  images: readonly PhantomImage[],
  options: { count: number; size: number; seed: number },
): string {
  const patients = new Set(images.map((image) => image.patient)).size
  const count = (name: string): number =>
    images.filter((image) => image.findings.some((finding) => finding.name === name)).length
  const share = (n: number): string => `${n} | ${((100 * n) / images.length).toFixed(1)} %`
  return `# Synthetic chest radiographs

**Every image here is computed. No patient was ever before a detector, and nothing learned from these
images says anything about patients.** They are for trying out software: training, evaluation and display
run on them as they do on a real data set.

| | |
|---|---|
| Generator | Plurad phantoms, version ${phantomVersion} |
| Seed | ${options.seed} |
| Images | ${images.length} |
| Patients | ${patients} |
| Size | ${options.size} x ${options.size} pixels, 8-bit grey |

The same version, seed, size and count give the same pixels and the same tables on every machine.

- \`images/\`: one PNG an image, \`PATIENT_FOLLOWUP.png\`.
- \`Data_Entry_2017.csv\`: findings, age, sex and view, in the column layout of NIH's ChestX-ray14, with its label names.
- \`BBox_List_2017.csv\`: one row a lesion, \`x,y,w,h\` **in pixels of these images** (${options.size} x ${options.size}, not 1024 x 1024),
  for findings that have a place. A box encloses the pixels that the lesion changed by over a quarter of its
  largest change (Cardiomegaly: the heart). A lesion that another one hides wholly keeps its label and has no box.
  Names are those of the label column throughout.

| finding | images | share |
|---|---:|---:|
${findings.map(({ name }) => `| ${name} | ${share(count(name))} |`).join('\n')}
| No Finding | ${share(images.filter((image) => image.findings.length === 0).length)} |
`
}
