/** Prediction with an exported model; nothing here needs libtorch. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FilePredictor, openSession } from '../../packages/plurad/dist/predict/node.js'
import { filesOf } from './images.mjs'

const { task, folder, file = 'model.onnx', size, batch, runs, chest: set } = JSON.parse(process.argv[2])
const model = join(folder, file)
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
const seconds = async (work) => {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

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
    const files = filesOf('nih50-1024px')
    const predictor = await FilePredictor.load(model)
    await predictor.predict(files.slice(0, 2))
    return seconds(() => predictor.predict(files))
  },
  async dicom() {
    const chest = join(folder, set)
    const files = readdirSync(chest)
      .sort()
      .map((name) => join(chest, name))
    const predictor = await FilePredictor.load(model)
    await predictor.predict(files.slice(0, 2))
    return seconds(() => predictor.predict(files))
  },
  cold() {
    const main = fileURLToPath(new URL('../../packages/plurad/dist/cli/main.js', import.meta.url))
    const [file] = filesOf('nih50-1024px')
    return seconds(() => execFileSync(process.execPath, [main, 'predict', model, file]))
  },
}
console.log(
  JSON.stringify({ seconds: await tasks[task](), version: `plurad on node ${process.versions.node}` }),
)
process.exit(0)
