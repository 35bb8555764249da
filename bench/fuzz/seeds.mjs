/** Whole files to damage, by format: the fixtures of the tests, and the public data where it is. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'

/** Larger files take the time of many small ones and damage the same code. */
const LARGEST = 800_000

/** What is asked of a file of several images, besides its own choice. */
const PARTS = [
  '0',
  '1',
  '17',
  '0/1',
  'coronal/1',
  'train_images/1',
  'test_images/0',
  'x',
  '',
  '-1',
  '4294967296',
]

/**
 * @param root of the repository
 * @returns {Promise<Record<string, { files, reader: 'image' | 'table' | 'arrays', parts: string[], share: number }>>}
 */
export async function seedsOf(root) {
  const fixtures = join(root, 'packages', 'plurad', 'test', 'fixtures')
  const data = process.env.PLURAD_DATA ?? join(root, '..', 'shared', 'data')
  const images = below(join(fixtures, 'data', 'images'))
  const some = (folder, every) => below(join(data, folder)).filter((_, index) => index % every === 0)
  const ending = (files, pattern) => files.filter(({ name }) => pattern.test(name))
  const numpy = below(join(fixtures, 'numpy', 'files'))
  const delimited = tables(fixtures, data)
  const image = (share, files) => ({ files, reader: 'image', parts: PARTS, share })
  const table = (share, files) => ({ files, reader: 'table', parts: ['labels', 'labels', 'Read me'], share })
  return Object.fromEntries(
    Object.entries({
      png: image(3, [...ending(images, /png$/), ...some(join('nih1000-64px', 'images'), 100)]),
      jpeg: image(3, [...ending(images, /jpg$/), ...some(join('odir5k-224px', 'images'), 1000)]),
      tiff: image(3, ending(images, /tif$/)),
      dicom: image(5, below(join(fixtures, 'dicom', 'files'))),
      'dicom-public': image(0.3, [...some('dicom', 1), ...some(join('dicom', 'ct-transfer-syntaxes'), 1)]),
      nifti: image(3, below(join(fixtures, 'nifti', 'files'))),
      'nifti-public': image(0.3, some('nifti', 1)),
      npy: image(1.5, ending(numpy, /npy$/)),
      npz: image(2, ending(numpy, /npz$/)),
      arrays: { ...image(1, numpy), reader: 'arrays' },
      csv: table(
        1,
        delimited.filter(({ ending: kind }) => kind.startsWith('.csv')),
      ),
      tsv: table(
        0.7,
        delimited.filter(({ ending: kind }) => kind.startsWith('.tsv')),
      ),
      xlsx: table(1.5, ending(below(join(fixtures, 'tables')), /xlsx$/)),
      parquet: table(1.5, ending(below(join(fixtures, 'tables')), /parquet$/)),
    }).filter(([, { files }]) => files.length > 0),
  )
}

/** The plain files of a folder; none where there is no such folder. */
function below(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) =>
      seed(
        name,
        /(\.nii)?\.[a-z0-9]+$/i.exec(name)?.[0] ?? '',
        once(() => readFileSync(join(folder, name))),
      ),
    )
    .filter(({ bytes }) => bytes().length > 0 && bytes().length <= LARGEST)
}

const seed = (name, ending, bytes) => ({ name, ending, bytes })

function once(make) {
  let made
  return () => (made ??= make())
}

/** CSV and TSV of the kinds that are met: quotes, semicolons, a mark, UTF-16, gzip, and real label tables. */
function tables(fixtures, data) {
  const text = [
    'image,Patient ID,Finding Labels,Age\n"a,1.png",1,Effusion|Mass,"058Y"\nb.png,2,"No ""Finding""",61\nc.png,2,,\n',
    'image;label;note\r\na.png;1;"zwei\r\nZeilen"\r\nb.png;0;\r\n',
    '\ufeffimage,Hernia,Mass\n' +
      Array.from({ length: 200 }, (_, row) => `${row}.png,${row % 2},${row % 7}`).join('\n'),
    'ID,左眼诊断,关键词\n1_left.jpg,正常眼底，白内障,N\n2.jpg,糖尿病,D\n',
  ]
  const real = [
    ['nih1000-64px', 'Data_Entry_2017.csv'],
    ['odir5k-224px', 'annotations.csv'],
  ].map((parts) => join(data, ...parts))
  const made = [
    ...text.map((content) => Buffer.from(content)),
    Buffer.from(`\ufeff${text[0]}`, 'utf16le'),
    ...real.filter(existsSync).map((path) => readFileSync(path).subarray(0, 20_000)),
    ...below(join(fixtures, 'tables'))
      .filter(({ name }) => /\.(csv|tsv)$/.test(name))
      .map(({ bytes }) => bytes()),
    ...below(join(fixtures, 'tables'))
      .filter(({ name }) => /\.(csv|tsv)\.gz$/.test(name))
      .map(({ bytes }) => gunzipSync(bytes())),
  ]
  return made.flatMap((content, index) => {
    const tabs = Buffer.from(content.toString('latin1').replaceAll(',', '\t'), 'latin1')
    return [
      seed(`table-${index}.csv`, '.csv', () => content),
      seed(
        `table-${index}.csv.gz`,
        '.csv.gz',
        once(() => gzipSync(content)),
      ),
      seed(`table-${index}.tsv`, '.tsv', () => tabs),
    ]
  })
}
