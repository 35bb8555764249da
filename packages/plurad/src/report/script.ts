/**
 * What the page does when scripts run; it reads without them. Table columns sort on a click, a button
 * switches between light and dark, and print opens what is folded. It takes nothing from the run's files.
 */
export const SCRIPT = `
const root = document.documentElement
const themeButton = document.querySelector('[data-theme-switch]')
const prefersDark = matchMedia('(prefers-color-scheme: dark)')
const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : prefersDark.matches)
const nameTheme = () => { themeButton.textContent = isDark() ? 'Light' : 'Dark' }
themeButton.hidden = false
themeButton.addEventListener('click', () => { root.dataset.theme = isDark() ? 'light' : 'dark'; nameTheme() })
prefersDark.addEventListener('change', nameTheme)
nameTheme()

for (const table of document.querySelectorAll('table[data-sortable]')) {
  const heads = [...table.tHead.rows[0].cells]
  heads.forEach((head, column) => {
    const button = document.createElement('button')
    button.append(...head.childNodes)
    head.append(button)
    button.addEventListener('click', () => {
      const falling = head.getAttribute('aria-sort') !== 'descending'
      heads.forEach((other) => other.removeAttribute('aria-sort'))
      head.setAttribute('aria-sort', falling ? 'descending' : 'ascending')
      const key = (row) => row.cells[column].dataset.value
      const rows = [...table.tBodies[0].rows]
      rows.sort((a, b) => {
        const [x, y] = [key(a), key(b)]
        if (x === '' || y === '') return (x === '') - (y === '')
        const order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y
        return falling ? -order : order
      })
      table.tBodies[0].append(...rows)
    })
  })
}

addEventListener('beforeprint', () => {
  for (const fold of document.querySelectorAll('details')) fold.open = true
})
`
