// The frame: who is signed in, where we are, what a person should know of now.
import { render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { door, get, signIn, signOut, signedIn } from './api.js'
import { LaneList, alarmsOf } from './lanes.js'
import { MessagePage } from './message.js'
import { MessageList } from './messages.js'
import { NumberList, NumberPage } from './numbers.js'
import { ReplyList } from './replies.js'
import { SendPage } from './send.js'
import { Field, Form, Loading, html, link, place, useFetched } from './ui.js'
import { changeLanguage, locale, t } from './words.js'

const PAGES = ['messages', 'send', 'replies', 'numbers', 'lanes']

function page({ parts: [name, id], query }, admin) {
  switch (name) {
    case 'send': return html`<${SendPage} query=${query} />`
    case 'replies': return html`<${ReplyList} query=${query} />`
    case 'numbers': return id ? html`<${NumberPage} number=${id} />` : html`<${NumberList} query=${query} />`
    case 'lanes': return html`<${LaneList} admin=${admin} />`
    default: return id ? html`<${MessagePage} id=${id} />` : html`<${MessageList} query=${query} />`
  }
}

function SignIn({ wrong, enter }) {
  const [key, setKey] = useState('')
  return html`<div class="card sign-in">
    <h1>${t('sign_in.title')}</h1>
    <${Form} class="column" onSubmit=${() => enter(key.trim())}>
      <${Field} label=${t('sign_in.key')} value=${key} set=${setKey} type="password" required />
      <button class="main">${t('sign_in.do')}</button>
    <//>
    ${wrong && html`<p class="notice bad" role="alert">${t('sign_in.wrong')}</p>`}
    <p class="hint">${t('sign_in.help')}</p>
  </div>`
}

function Alarms() {
  const lanes = useFetched(() => get(['lanes']), 'lanes', 10000)
  return html`<div class="notices">${alarmsOf(lanes.data?.data ?? []).map(text => html`<p class="notice wait" role="alert">${text}</p>`)}</div>`
}

function Inside({ who, at }) {
  const admin = who.scopes.split(',').includes('admin')
  return html`
    ${admin && html`<${Alarms} />`}
    <main key=${location.hash}>${page(at, admin)}</main>
    <footer>${t('footer')} <a href="openapi.json">openapi.json</a> · <a href="console/licences.txt">${t('licences')}</a></footer>`
}

function App() {
  const [, setTurn] = useState(0)
  const [wrong, setWrong] = useState(false)
  const again = () => setTurn(n => n + 1) // everything is drawn anew
  useEffect(() => {
    addEventListener('hashchange', again)
    door.addEventListener('refused', () => setWrong(true))
  }, [])
  document.documentElement.lang = locale()
  const at = place()
  const who = useFetched(async () => (signedIn() ? get(['whoami']) : null), String(signedIn()))
  const leave = () => { signOut(); setWrong(false); again() }
  const enter = key => { signIn(key); setWrong(false); who.again() }
  const inside = signedIn() && !wrong
  const here = PAGES.includes(at.parts[0]) ? at.parts[0] : 'messages'
  return html`
    <header>
      <span class="brand">${t('brand')}</span>
      <nav>${inside && who.data && PAGES.map(name => html`<a href=${link([name])} aria-current=${name === here ? 'page' : undefined}>${t('nav.' + name)}</a>`)}</nav>
      ${inside && who.data && html`<span class="who">${who.data.account_name}</span><button type="button" onClick=${leave}>${t('nav.sign_out')}</button>`}
      <button type="button" class="language" onClick=${() => { changeLanguage(); again() }}>${t('language.other')}</button>
    </header>
    ${!inside ? html`<main><${SignIn} wrong=${wrong} enter=${enter} /></main>`
      : who.data ? html`<${Inside} key=${who.data.key_id} who=${who.data} at=${at} />`
        : html`<main><${Loading} of=${who} /></main>`}`
}

render(html`<${App} />`, document.body)
