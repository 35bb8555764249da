export * from './graph.js'
export { countMultiplyAdds } from './multiply-adds.js'
export { TraceError } from './record.js'
export { traceGraph, type TraceOptions } from './trace.js'
