/**
 * Lists exports of packages/<name>/src that nothing else names: remove them, or their `export`.
 * Reads the syntax only. What the package's own exports and commands lead to is public and counts as
 * used, and so does every name that a test, a script or a benchmark imports.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const PUBLIC = /^packages\/[^/]+\/src\/(.*\/)?index\.ts$|^packages\/[^/]+\/src\/cli\/[^/]+\.ts$/
const SOURCE = /^packages\/[^/]+\/src\/.*(?<!\.test|\.generated)\.ts$/
const READ = ['packages', 'bench', 'scripts']

const files = READ.flatMap((folder) => filesBelow(join(ROOT, folder)))
/** file -> names used by others; `*` for all */
const used = new Map()
/** file -> [{ name, line, inner }] */
const exported = new Map()

for (const file of files) read(file)

const dead = []
for (const [file, names] of exported) {
  const path = relative(ROOT, file)
  if (!SOURCE.test(path) || PUBLIC.test(path)) continue
  const wanted = used.get(file) ?? new Set()
  if (wanted.has('*')) continue
  for (const { name, line, inner } of names)
    if (!wanted.has(name) && !inner) dead.push(`${path}:${line} ${name}`)
}
if (dead.length > 0) {
  console.log(`${dead.length} exports that nothing imports:\n${dead.map((line) => `  ${line}`).join('\n')}`)
  process.exitCode = 1
}

function read(file) {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true)
  const names = []
  exported.set(file, names)
  const add = (node, isType) => {
    // A type that its own module uses is part of the signatures there.
    const inner = isType && source.text.match(new RegExp(`\\b${node.text}\\b`, 'g')).length > 1
    names.push({
      name: node.text,
      line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1,
      inner,
    })
  }
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) return readImport(file, node)
    if (ts.isExportDeclaration(node)) return readReexport(file, node, add)
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      use(file, node.argument.literal.text, [node.qualifier ? node.qualifier.getText().split('.')[0] : '*'])
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      if (ts.isStringLiteral(node.arguments[0])) use(file, node.arguments[0].text, ['*'])
    }
    // A module that is run in another thread is named by `new URL('./module.js', import.meta.url)`.
    if (ts.isNewExpression(node) && node.expression.getText() === 'URL') {
      const [module] = node.arguments ?? []
      if (module && ts.isStringLiteral(module) && module.text.endsWith('.js')) use(file, module.text, ['*'])
    }
    if (
      ts.canHaveModifiers(node) &&
      ts.getModifiers(node)?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword)
    ) {
      const isType = ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)
      if (ts.isVariableStatement(node)) {
        for (const { name } of node.declarationList.declarations) if (ts.isIdentifier(name)) add(name, false)
      } else if (node.name) add(node.name, isType)
    }
    ts.forEachChild(node, visit)
  }
  ts.forEachChild(source, visit)
}

function readImport(file, { importClause, moduleSpecifier }) {
  const bindings = importClause?.namedBindings
  const named = bindings && ts.isNamedImports(bindings)
  use(
    file,
    moduleSpecifier.text,
    named ? bindings.elements.map((e) => (e.propertyName ?? e.name).text) : ['*'],
  )
}

function readReexport(file, { exportClause, moduleSpecifier }, add) {
  if (!moduleSpecifier) return
  if (!exportClause || !ts.isNamedExports(exportClause)) return use(file, moduleSpecifier.text, ['*'])
  for (const element of exportClause.elements) {
    use(file, moduleSpecifier.text, [(element.propertyName ?? element.name).text])
    add(element.name, false)
  }
}

function use(from, specifier, names) {
  if (!specifier.startsWith('.')) return
  const target = resolve(dirname(from), specifier).replace(/\.(m?)js$/, '.$1ts')
  const file = existsSync(target) ? target : resolve(dirname(from), specifier)
  if (!used.has(file)) used.set(file, new Set())
  for (const name of names) used.get(file).add(name)
}

function filesBelow(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (/^(node_modules|dist|build|fixtures)$/.test(entry.name)) return []
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesBelow(path) : /\.(m?ts|m?js)$/.test(entry.name) ? [path] : []
  })
}
