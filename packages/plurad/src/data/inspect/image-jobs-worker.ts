/** The thread that `askImages` starts: answers tasks in the order in which they come. */
import { parentPort } from 'node:worker_threads'
import { answer, type ImageAnswer, type ImageJob, type ImageTask } from './image-jobs.js'

const port = parentPort
if (port === null) throw new Error('image-jobs-worker.js runs as a worker thread only')

/** One after the other: a worker is meant to keep one core busy, not several. */
let queue = Promise.resolve()

port.on('message', (task: ImageTask) => {
  queue = queue.then(() => run(task))
})

async function run({ job, references, reading }: ImageTask): Promise<void> {
  const answers: ImageAnswer<ImageJob>[] = []
  for (const reference of references) answers.push(await answer(job, reference, reading))
  port?.postMessage(answers)
}
