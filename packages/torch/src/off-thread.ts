/**
 * Work off the main thread. The module given runs in one worker thread with an engine of its own; the caller's event
 * loop stays free for progress, signals and servers. Tensors do not cross threads: send numbers and bytes.
 *
 *     // steps.js
 *     export default async (input, context) => { … context.post({ loss }); if (context.stopped) …; return result }
 *     // elsewhere
 *     const result = await runOffThread(new URL('./steps.js', import.meta.url), input, { onMessage })
 */
import { Worker } from 'node:worker_threads'
import { limitSpinning } from './openmp.js'

export interface OffThreadOptions<Message> {
  /** Called for everything that the module posts, in order. Where it throws, the module is asked to stop. */
  onMessage?: (message: Message) => void
  /** Asks the module to stop: its `context.stopped` turns true. It decides when and with what result it returns. */
  signal?: AbortSignal
}

/** What the module's function gets as its second argument. */
export interface OffThreadContext<Message> {
  post(message: Message): void
  /** True once the caller wants the work to end. */
  readonly stopped: boolean
}

/** The default export of a module that is run off the main thread. */
export type OffThreadFunction<Input, Message, Result> = (
  input: Input,
  context: OffThreadContext<Message>,
) => Promise<Result>

/** @internal What travels to the worker. */
export interface OffThreadStart {
  module: string
  input: unknown
  stop: SharedArrayBuffer
}

/** @internal What comes back. */
export type OffThreadReply =
  | { kind: 'message'; message: unknown }
  | { kind: 'result'; result: unknown }
  | { kind: 'error'; name: string; message: string; stack: string | undefined }

/**
 * Runs the default export of `module` (compiled JavaScript) in a worker thread and gives its result. An error there
 * becomes an error here, of the same name and message. `input`, messages and result are copied (structured clone).
 */
export function runOffThread<Input, Message, Result>(
  module: URL,
  input: Input,
  { onMessage, signal }: OffThreadOptions<Message> = {},
): Promise<Result> {
  limitSpinning()
  const stop = new SharedArrayBuffer(4)
  const start: OffThreadStart = { module: module.href, input, stop }
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./off-thread-worker.js', import.meta.url), { workerData: start })
    const ask = (): void => void Atomics.store(new Int32Array(stop), 0, 1)
    if (signal?.aborted) ask()
    signal?.addEventListener('abort', ask, { once: true })

    let reply: Exclude<OffThreadReply, { kind: 'message' }> | undefined
    let failure: unknown
    let refusal: { error: unknown } | undefined
    worker.on('message', (received: OffThreadReply) => {
      if (received.kind !== 'message') {
        reply = received
        return
      }
      try {
        onMessage?.(received.message as Message)
      } catch (error) {
        refusal ??= { error }
        ask()
      }
    })
    worker.on('error', (error) => (failure = error))
    // Settled when the thread has ended, so that its memory is back and its files are closed.
    worker.on('exit', (code) => {
      signal?.removeEventListener('abort', ask)
      if (refusal) reject(refusal.error instanceof Error ? refusal.error : new Error(String(refusal.error)))
      else if (reply?.kind === 'result') resolve(reply.result as Result)
      else if (reply?.kind === 'error') reject(revive(reply))
      else
        reject(failure instanceof Error ? failure : new Error(`The engine's thread ended with code ${code}`))
    })
  })
}

function revive({
  name,
  message,
  stack,
}: {
  name: string
  message: string
  stack: string | undefined
}): Error {
  const error = new Error(message)
  error.name = name
  if (stack !== undefined) error.stack = stack
  return error
}
