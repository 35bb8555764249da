/** What a thread of a `WorkerPool` does: tasks, in the order in which they come. */
import { parentPort } from 'node:worker_threads'
import { DataError } from './errors.js'

/** Main thread to worker. */
export interface TaskMessage<Task> {
  id: number
  task: Task
}

/** The same: no more tasks will come, and those that have not begun are not wanted any more. */
export type EndMessage = 'end'

/** Worker to main thread. */
export type TaskResult<Result> =
  { id: number; result: Result } | { id: number; error: string; isDataError: boolean }

export interface TaskHandler<Task, Result> {
  run: (task: Task) => Promise<Result>
  /** Memory that is handed over with a result instead of being copied. */
  handsOver?: (task: Task, result: Result) => ArrayBuffer[]
  /** Whether what a task throws ends the thread, instead of being the task's result. */
  errorsAreFatal?: boolean
  /** Told before the thread ends because it was asked to. */
  onEnd?: () => Promise<void>
}

/** One task after the other: a thread is meant to keep one core busy, not several. */
export function serveTasks<Task, Result>({
  run,
  handsOver,
  errorsAreFatal = false,
  onEnd,
}: TaskHandler<Task, Result>): void {
  const port = parentPort
  if (port === null) throw new Error('this is for worker threads only')
  let ends = false
  const serve = async ({ id, task }: TaskMessage<Task>): Promise<void> => {
    if (ends) return
    try {
      const result = await run(task)
      port.postMessage({ id, result } satisfies TaskResult<Result>, handsOver?.(task, result) ?? [])
    } catch (error) {
      if (errorsAreFatal) throw error
      const message = error instanceof Error ? error.message : String(error)
      port.postMessage({
        ...{ id, error: message },
        isDataError: error instanceof DataError,
      } satisfies TaskResult<Result>)
    }
  }
  let queue = Promise.resolve()
  port.on('message', (message: TaskMessage<Task> | EndMessage) => {
    if (message !== 'end') {
      queue = queue.then(() => serve(message))
      return
    }
    ends = true
    queue = queue.then(async () => {
      await onEnd?.()
      port.close()
    })
  })
}
