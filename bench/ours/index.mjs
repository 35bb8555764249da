/** Opens a label table without its images, in a process of its own: what a run does before it looks for files. */
import { openDataset } from '../../packages/plurad/dist/data/sets/open.js'

const { table, settings } = JSON.parse(process.argv[2])
const started = performance.now()
const before = process.cpuUsage()
const dataset = await openDataset(table, { requireImages: false, settings })
const { user, system } = process.cpuUsage(before)
const seconds = (performance.now() - started) / 1000
const positives = dataset.labels.map((_, label) =>
  dataset.samples.reduce((sum, sample) => sum + (sample.labels[label] === 1 ? 1 : 0), 0),
)
console.log(
  JSON.stringify({
    seconds,
    cpuSeconds: (user + system) / 1e6,
    // The whole process, Node and all that it loaded included.
    peakMb: process.resourceUsage().maxRSS / 1024,
    rows: dataset.samples.length,
    positives,
    version: `plurad on node ${process.versions.node}`,
  }),
)
