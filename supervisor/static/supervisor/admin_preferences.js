// What the reader prefers, where the scripts of the pages look for it: Django's templates leave no room at <html>.
Object.assign(document.documentElement.dataset, document.getElementById("preferences").dataset);
