import { describe, expect, it } from 'vitest'
import { breakable, html, trusted } from './html.js'

describe('html', () => {
  it('escapes values and keeps what is HTML', () => {
    const inner = html`<b title="${'"quoted"'}">${'<script>alert(1)</script> & more'}</b>`
    expect(html`<p>${inner}${trusted('<i></i>')}</p>`.text).toBe(
      '<p><b title="&quot;quoted&quot;">&lt;script&gt;alert(1)&lt;/script&gt; &amp; more</b><i></i></p>',
    )
  })

  it('joins lists and leaves nothing for null, undefined and false, but 0 for 0', () => {
    expect(html`${['<', html`<i></i>`, 0]}|${null}${undefined}${false}`.text).toBe('&lt;<i></i>0|')
  })

  it('drops control characters and marks that turn text round', () => {
    expect(html`${'a\u0000b\u001bc\u202ed\te'}`.text).toBe('abcd\te')
  })

  it('lets names break after underscores', () => {
    expect(breakable('Pleural_<b>').text).toBe('Pleural_<wbr>&lt;b&gt;')
  })
})
