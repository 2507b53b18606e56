// The frame: who is signed in, where we are, what a person should know of now.
import { render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { door, get, keptKey, signIn, signOut } from './api.js'
import { LaneList, alarmsOf } from './lanes.js'
import { MessagePage } from './message.js'
import { MessageList } from './messages.js'
import { NumberList, NumberPage } from './numbers.js'
import { ReplyList } from './replies.js'
import { SendPage } from './send.js'
import { Field, Form, Guard, Loading, html, link, place, useFetched } from './ui.js'
import { changeLanguage, locale, t } from './words.js'

const PAGES = ['messages', 'send', 'replies', 'numbers', 'lanes']

function page({ parts: [name, id], query }, scopes) {
  switch (name) {
    case 'send': return html`<${SendPage} key=${location.hash} query=${query} reads=${scopes.includes('read')} />`
    case 'replies': return html`<${ReplyList} query=${query} />`
    case 'numbers': return id ? html`<${NumberPage} number=${id} />` : html`<${NumberList} query=${query} />`
    case 'lanes': return html`<${LaneList} admin=${scopes.includes('admin')} />`
    default: return id ? html`<${MessagePage} id=${id} />` : html`<${MessageList} query=${query} />`
  }
}

function SignIn({ wrong, enter }) {
  const [key, setKey] = useState('')
  return html`<div class="card sign-in">
    <h1>${t('sign_in.title')}</h1>
    <${Form} class="column" onSubmit=${() => enter(key)}>
      <${Field} label=${t('sign_in.key')} value=${key} set=${setKey} type="password" required />
      <button class="main">${t('sign_in.do')}</button>
    <//>
    ${wrong && html`<p class="notice bad" role="alert">${t('sign_in.wrong')}</p>`}
    <p class="hint">${t('sign_in.help')}</p>
  </div>`
}

function Alarms() {
  const lanes = useFetched(() => get(['lanes']), 'lanes', () => 10000)
  return html`<div class="notices">${alarmsOf(lanes.data?.data ?? []).map(text => html`<p class="notice wait" role="alert">${text}</p>`)}</div>`
}

function Inside({ who, at }) {
  const scopes = who.scopes.split(',')
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  return html`
    ${scopes.includes('admin') && html`<${Guard}><${Alarms} /><//>`}
    <main key=${at.parts.join('/')}><${Guard}>${page(at, scopes)}<//></main>
    <footer>${t('footer.times', { zone })} ${t('footer')} <a href="openapi.json">openapi.json</a> · <a href="console/licences.txt">${t('licences')}</a></footer>`
}

function App() {
  const [, setTurn] = useState(0)
  const [wrong, setWrong] = useState(false)
  const again = () => setTurn(n => n + 1) // everything is drawn anew
  useEffect(() => {
    addEventListener('hashchange', again)
    door.addEventListener('refused', () => leave(true))
  }, [])
  const at = place()
  const key = keptKey()
  const who = useFetched(async () => (key ? get(['whoami']) : null), key ?? '')
  const leave = refused => { signOut(); setWrong(refused); again() }
  const enter = typed => {
    const clean = typed.replace(/\s/g, '') // lines of a terminal, a space of a mail
    if (!/^[!-~]+$/.test(clean))
      return setWrong(true) // no header carries it
    signIn(clean)
    setWrong(false)
    again()
  }
  const here = PAGES.includes(at.parts[0]) ? at.parts[0] : 'messages'
  document.documentElement.lang = locale()
  document.title = key ? `${t('nav.' + here)} · ${t('brand')}` : t('brand')
  return html`
    <header>
      <span class="brand">${t('brand')}</span>
      <nav>${key && who.data && PAGES.map(name => html`<a href=${link([name])} aria-current=${name === here ? 'page' : undefined}>${t('nav.' + name)}</a>`)}</nav>
      ${key && html`<span class="who">${who.data?.account_name}</span><button type="button" onClick=${() => leave(false)}>${t('nav.sign_out')}</button>`}
      <button type="button" class="language" lang=${t('language.other.lang')} onClick=${() => { changeLanguage(); again() }}>${t('language.other')}</button>
    </header>
    ${!key ? html`<main><${SignIn} wrong=${wrong} enter=${enter} /></main>`
      : who.data ? html`<${Guard} key=${key}><${Inside} who=${who.data} at=${at} /><//>`
        : html`<main><${Loading} of=${who} /></main>`}`
}

render(html`<${App} />`, document.body)
