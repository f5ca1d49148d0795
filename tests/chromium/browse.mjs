// A person at Chromium: opens the address that it is given, goes through whatever the pages ask, with the keyboard as far as that goes,
// and looks at each page on the way. Settings are JSON in CHROMIUM_SETTINGS: program, width, height, scheme, email, password, code, decision,
// stop (after so many pages, may be left out), shots (a folder for screenshots, may be left out), report (the file to write what was seen to).

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const settings = JSON.parse(process.env.CHROMIUM_SETTINGS);
const seen = { pages: [], complaints: [], requests: [], failure: null };
const narrowest = 320;
const mostPages = 12;

const isPhone = settings.width < 600;
// Another kind of screen, unlike another width, would load the page anew.
const viewport = (width) => ({ width, height: settings.height, deviceScaleFactor: 1, isMobile: isPhone, hasTouch: isPhone });

const browser = await puppeteer.launch({
  executablePath: settings.program,
  headless: true,
  args: ['--no-sandbox', '--disable-dev-shm-usage'],
});
try {
  const page = await browser.newPage();
  await watch(page);
  await page.goto(process.argv[2], { waitUntil: 'load' });
  while (true) {
    await look(page);
    if (seen.pages.length === settings.stop) break;
    if (seen.pages.length === mostPages) throw new Error(`still not through at ${page.url()}`);
    const next = await act(page);
    if (!next) break;
  }
} catch (error) {
  seen.failure = String(error.stack ?? error);
} finally {
  await browser.close();
  writeFileSync(`${settings.report}.new`, JSON.stringify(seen));
  renameSync(`${settings.report}.new`, settings.report);
}

// Whatever the browser complains of, and every address that it asks for.
async function watch(page) {
  await page.setViewport(viewport(settings.width));
  await page.emulateMediaFeatures([
    { name: 'prefers-color-scheme', value: settings.scheme },
    { name: 'prefers-reduced-motion', value: 'reduce' },
  ]);
  const session = await page.createCDPSession();
  session.on('Log.entryAdded', ({ entry }) => {
    // The status of a form that was refused is the server's word, and the page is shown all the same.
    if (entry.source !== 'network' || !page.url().startsWith(entry.url ?? ' ')) seen.complaints.push(`${entry.source}: ${entry.text} ${entry.url ?? ''}`);
  });
  session.on('Audits.issueAdded', ({ issue }) => seen.complaints.push(`${issue.code}: ${JSON.stringify(issue.details)}`));
  await session.send('Log.enable');
  await session.send('Audits.enable');
  page.on('pageerror', (error) => seen.complaints.push(`script: ${error}`));
  page.on('request', (request) => seen.requests.push(request.url()));
}

// What the page is like: rules of accessibility, room, focus.
async function look(page) {
  if (settings.shots) {
    const name = await page.evaluate(() => document.querySelector('h1')?.textContent ?? 'untitled');
    const words = name.toLowerCase().match(/[a-z0-9]+/g)?.slice(0, 8).join('-');
    await page.screenshot({ path: join(settings.shots, `${words}-${settings.width}-${settings.scheme}.png`), fullPage: true });
  }
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
    return violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => `${n.html} ${n.failureSummary}`).join('; ')}`);
  });
  const facts = await page.evaluate(() => ({
    title: document.title,
    heading: document.querySelector('h1')?.textContent ?? '',
    alert: document.querySelector('[role=alert]')?.textContent ?? '',
    scripts: document.scripts.length,
    ground: getComputedStyle(document.body).backgroundColor,
    text: document.body.innerText,
  }));
  await page.setViewport(viewport(narrowest));
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  await page.setViewport(viewport(settings.width));
  seen.pages.push({ url: page.url(), violations, overflow, unseen: await unseenFocus(page), ...facts });
}

// Controls that show nothing when the keyboard has come to them.
async function unseenFocus(page) {
  const unseen = await page.evaluate(() => {
    const had = document.activeElement;
    const controls = [...document.querySelectorAll('a[href], button, input:not([type=hidden])')];
    const bare = controls.filter((control) => {
      control.focus({ focusVisible: true });
      const { outlineStyle, outlineWidth } = getComputedStyle(control);
      return document.activeElement !== control || outlineStyle === 'none' || Number.parseFloat(outlineWidth) < 2;
    });
    if (had && had !== document.body) had.focus();
    else document.activeElement?.blur?.();
    return bare.map((control) => control.outerHTML);
  });
  return unseen;
}

// Does what the page asks for. False: it asks for nothing.
async function act(page) {
  if (await page.$('input[name=password]')) {
    await begin(page, 'email');
    await page.keyboard.type(settings.email);
    await page.keyboard.press('Tab');
    await page.keyboard.type(settings.password);
    return moves(page, () => page.keyboard.press('Enter'));
  }
  if (await page.$('button[name=decision]')) {
    const name = settings.decision === 'approve' ? 'Allow' : 'Decline';
    const button = await page.waitForSelector(`::-p-aria([name="${name}"][role="button"])`);
    return moves(page, () => button.click());
  }
  if (await page.$('input[name=user_code]')) {
    await begin(page, 'user_code');
    if (settings.code) await page.keyboard.type(settings.code);
    return moves(page, () => page.keyboard.press('Enter'));
  }
  return false;
}

// The page has put the keyboard into this field, whose old text goes.
async function begin(page, name) {
  const focused = await page.evaluate(() => document.activeElement?.getAttribute('name'));
  if (focused !== name) throw new Error(`${page.url()}: the keyboard is at ${focused}, not at ${name}`);
  if (name === 'user_code' && !settings.code) return;
  await page.keyboard.down('Control');
  await page.keyboard.press('KeyA');
  await page.keyboard.up('Control');
}

async function moves(page, step) {
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), step()]);
  return true;
}
