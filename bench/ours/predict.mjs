/** Prediction with an exported model; nothing here needs libtorch. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FilePredictor, openSession } from '../../packages/plurad/dist/predict/node.js'
import { filesOf } from './images.mjs'

const {
  task,
  folder,
  file = 'model.onnx',
  size,
  batch,
  runs,
  files,
  most,
  chest: set,
} = JSON.parse(process.argv[2])
const model = join(folder, file)
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
const seconds = async (work) => {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

const pngs = filesOf('nih50-1024px')
const chest = () =>
  readdirSync(join(folder, set))
    .sort()
    .map((name) => join(folder, set, name))

const tasks = {
  async forward() {
    const session = await openSession(readFileSync(model), { threads: null })
    const data = Float32Array.from({ length: batch * size * size }, Math.random)
    const once = () => session.run({ pixels: { data, dims: [batch, 1, size, size] } }, ['logits'])
    const times = []
    for (let i = 0; i < runs + 2; i++) times.push(await seconds(once))
    return median(times.slice(2))
  },
  async files() {
    const predictor = await FilePredictor.load(model)
    await predictor.predict(pngs.slice(0, 2))
    return seconds(() => predictor.predict(pngs))
  },
  async dicom() {
    const predictor = await FilePredictor.load(model)
    await predictor.predict(chest().slice(0, 2))
    return seconds(() => predictor.predict(chest()))
  },
  async again() {
    const predictor = await FilePredictor.load(model)
    await predictor.predict(chest())
    return seconds(() => predictor.predict(chest()))
  },
  program() {
    const main = fileURLToPath(new URL('../../packages/plurad/dist/cli/main.js', import.meta.url))
    const given = (files === 'png' ? pngs : chest()).slice(0, most)
    return seconds(() => execFileSync(process.execPath, [main, 'predict', model, ...given]))
  },
}
console.log(
  JSON.stringify({ seconds: await tasks[task](), version: `plurad on node ${process.versions.node}` }),
)
process.exit(0)
