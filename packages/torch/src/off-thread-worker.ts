/** The worker side of `runOffThread`. */
import { parentPort, workerData } from 'node:worker_threads'
import type { OffThreadContext, OffThreadFunction, OffThreadReply, OffThreadStart } from './off-thread.js'

const { module, input, stop } = workerData as OffThreadStart
const flag = new Int32Array(stop)
const send = (reply: OffThreadReply): void => parentPort?.postMessage(reply)

const context: OffThreadContext<unknown> = {
  post: (message) => send({ kind: 'message', message }),
  get stopped() {
    return Atomics.load(flag, 0) === 1
  },
}

try {
  const { default: run } = (await import(module)) as { default: OffThreadFunction<unknown, unknown, unknown> }
  send({ kind: 'result', result: await run(input, context) })
} catch (error) {
  const known = error instanceof Error ? error : new Error(String(error))
  send({ kind: 'error', name: known.name, message: known.message, stack: known.stack })
}
