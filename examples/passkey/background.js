// Opens the form in a tab of its own: a popup would close as soon as WhatsApp's page gets the focus.
chrome.action.onClicked.addListener(() => chrome.tabs.create({ url: chrome.runtime.getURL("form.html") }));
