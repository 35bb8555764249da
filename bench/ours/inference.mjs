import { noGrad, randn, scope } from '@plurad/torch'
import { args, densenet, median, print } from './common.mjs'

const { batch, size, runs } = args
const model = (await densenet()).eval()
const x = randn([batch, 1, size, size])
const once = () => noGrad(() => scope(() => model.forward(x).toTypedArray()))
once()
once()
const seconds = []
for (let i = 0; i < runs; i++) {
  const start = performance.now()
  once()
  seconds.push((performance.now() - start) / 1000)
}
print(median(seconds))
