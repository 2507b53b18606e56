"""A real Chromium without a window, driven through its own driver (Debian's chromium, chromium-driver, python3-selenium)."""
import time

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

SLOW_S = 30


class Browser:
    def __init__(self, folder, language="en"):
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server", "--no-first-run",
                     "--disable-background-networking", "--disable-component-update", "--window-size=1280,1000",
                     f"--lang={language}", f"--accept-lang={language}", f"--user-data-dir={folder}"):
            options.add_argument(flag)
        options.add_experimental_option("prefs", {"intl.accept_languages": language, "intl.selected_languages": language})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))

    def close(self):
        self.driver.quit()

    def open(self, url):
        self.driver.get(url)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def until(self, what, told):
        """What `what()` returns once it is true; elements that are drawn anew meanwhile are looked for again."""
        end = time.monotonic() + SLOW_S
        while True:
            try:
                got = what()
                if got:
                    return got
            except Exception:  # noqa: BLE001 - stale, not there yet
                if time.monotonic() > end:
                    raise
            assert time.monotonic() < end, f"{told}; the page says:\n{self.text()}"
            time.sleep(0.05)

    def text(self):
        return self.driver.find_element(By.TAG_NAME, "body").text

    def says(self, *texts):
        self.until(lambda: all(t in self.text() for t in texts), f"not all of {texts}")

    def find(self, css, text=""):
        """The element that says so; of several the first."""
        return self.until(lambda: next((e for e in self.all(css) if text in e.text and e.is_displayed()), None), f"no {css} {text}")

    def click(self, css, text=""):
        self.until(lambda: self.find(css, text).click() is None, f"cannot click {css} {text}")

    def fill(self, label, text):
        """The field under that label."""
        field = self.until(lambda: self.find("label", label).find_element(By.CSS_SELECTOR, "input, textarea"), f"no field {label}")
        field.clear()
        field.send_keys(text)

    def hurry(self, times):
        """The timers of pages that are opened from now on run so many times as fast."""
        script = f"for (const name of ['setTimeout', 'setInterval']) {{ const slow = globalThis[name]; globalThis[name] = (what, ms) => slow(what, ms / {times}) }}"
        return self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": script})["identifier"]

    def unhurry(self, identifier):
        self.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", {"identifier": identifier})

    def narrow(self, width=375):
        """A telephone's screen; 0: the window's own again."""
        if width:
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": True})
        else:
            self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def choose(self, label, text):
        field = self.find("label", label).find_element(By.TAG_NAME, "select")
        next(o for o in field.find_elements(By.TAG_NAME, "option") if o.text == text).click()

    def accept(self):
        """Says yes to the question that the page asks."""
        def yes():
            alert = self.driver.switch_to.alert
            said = alert.text
            alert.accept()
            return said
        return self.until(yes, "the page asks nothing")

    def rows(self, css="main table"):
        """The texts of a table's cells, row by row."""
        return self.driver.execute_script("return [...document.querySelectorAll(arguments[0] + ' tbody tr')]"
                                          ".map(row => [...row.cells].map(cell => cell.innerText.trim()))", css)

    def complaints(self):
        """What the browser has to say against the page: errors of scripts, things its policy forbids, what it could not load."""
        return [e["message"] for e in self.driver.get_log("browser") if e["level"] in ("SEVERE", "WARNING")]
