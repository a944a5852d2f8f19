/**
 * How the app is kept in this browser: the service worker that opens it without a network, new versions, and the icon.
 *
 * `App.svelte` starts it. It promises: a new version never takes over by itself, and never while something is being recorded.
 */

import { busy } from '../busy';
import { APPLY } from './words';

/** How often a page that stays open asks for a new version. */
const EVERY_MS = 60 * 60 * 1000;

/** What Chromium gives a page that may be installed. */
interface InstallPrompt extends Event {
  prompt(): Promise<{ outcome: 'accepted' | 'dismissed' }>;
}

class Keeper {
  /** The app opens without a network. */
  isKept = $state(false);
  /** A new version is here and waits. */
  hasNew = $state(false);
  /** Somebody asked for it while something was being recorded. */
  isHeldUp = $state(false);
  /** It has an icon and a window of its own. */
  isInstalled = $state(false);
  /** The browser would make one. */
  canInstall = $state(false);

  #registration: ServiceWorkerRegistration | null = null;
  #prompt: InstallPrompt | null = null;

  /** `drawn` tells when the first page is on the screen. */
  start(drawn: Promise<void>): void {
    this.isInstalled = matchMedia('(display-mode: standalone)').matches || (navigator as { standalone?: boolean }).standalone === true;
    addEventListener('beforeinstallprompt', (event) => {
      event.preventDefault();
      this.#prompt = event as InstallPrompt;
      this.canInstall = true;
    });
    addEventListener('appinstalled', () => ([this.isInstalled, this.canInstall] = [true, false]));
    if (window.isSecureContext && 'serviceWorker' in navigator && import.meta.env.PROD) {
      // Where the browser refuses (a private window), the app works as a page, and says so.
      drawn.then(() => this.#keep()).catch(() => (this.isKept = false));
    }
  }

  async #keep(): Promise<void> {
    const { serviceWorker } = navigator;
    const wasKept = serviceWorker.controller !== null;
    serviceWorker.addEventListener('controllerchange', () => {
      // The first worker of all takes over without anything to load anew.
      if (wasKept) busy.whenFree(() => location.reload());
    });
    const registration = await serviceWorker.register('sw.js', { updateViaCache: 'none' });
    this.#registration = registration;
    this.#look(registration);
    registration.addEventListener('updatefound', () => {
      const coming = registration.installing;
      coming?.addEventListener('statechange', () => this.#look(registration));
    });
    await serviceWorker.ready;
    this.#look(registration);
    setInterval(() => registration.update().catch(() => {}), EVERY_MS);
  }

  #look(registration: ServiceWorkerRegistration): void {
    this.isKept = registration.active !== null;
    this.hasNew = registration.waiting !== null && registration.active !== null;
  }

  /** Takes the new version over, in all tabs, unless something is being recorded in one. */
  async renew(): Promise<void> {
    this.isHeldUp = !(await busy.ifFree(() => this.#registration?.waiting?.postMessage(APPLY)));
  }

  /** Asks the browser for an icon and a window. */
  async install(): Promise<void> {
    const prompt = this.#prompt;
    this.#prompt = null;
    this.canInstall = false;
    await prompt?.prompt();
  }
}

export const keeper = new Keeper();
