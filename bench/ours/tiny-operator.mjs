import { noGrad, scope, tensor } from '@plurad/torch'
import { args, print } from './common.mjs'

const a = tensor([1, 2, 3])
const measure = (count) => {
  const start = performance.now()
  for (let done = 0; done < count; done += 1000) {
    scope(() => {
      for (let i = 0; i < 1000; i++) a.add(a)
    })
  }
  return (performance.now() - start) / 1000 / count
}
noGrad(() => measure(1e5))
print(Math.min(...Array.from({ length: 5 }, () => measure(args.count / 5))))
